import { registerAs } from '@nestjs/config';

import type { DatabaseTarget } from './database-url.js';
import { parseDatabaseUrl } from './database-url.js';
import { databaseProblems, DatabaseVariables } from './database.variables.js';
import { EnvironmentException } from './environment.exception.js';
import { toMs } from './time.js';
import { readVariables } from './variables.js';

export interface DatabaseConfig {
  readonly target: DatabaseTarget;
  /** How many connections to PostgreSQL are open at the same time, at most. */
  readonly poolSize: number;
  /** How long to wait for a connection, a new one or one that is in use, in milliseconds. */
  readonly connectTimeoutMs: number;
  /** How long a statement may take, in milliseconds. */
  readonly statementTimeoutMs: number;
}

/** @throws EnvironmentException with every problem of the database's variables */
export const databaseConfig = registerAs('database', (): DatabaseConfig => {
  const variables = readVariables(new DatabaseVariables(), process.env);
  const target = parseDatabaseUrl(variables.DATABASE_URL);
  const problems = databaseProblems(process.env);
  if (target === undefined || problems.length > 0) throw new EnvironmentException(problems);
  return {
    target,
    poolSize: Number(variables.DATABASE_POOL_SIZE),
    connectTimeoutMs: toMs(variables.DATABASE_CONNECT_TIMEOUT),
    statementTimeoutMs: toMs(variables.DATABASE_STATEMENT_TIMEOUT),
  };
});
