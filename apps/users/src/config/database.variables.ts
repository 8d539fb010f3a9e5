import { Matches } from 'class-validator';
import type { ConfigurationProblem } from 'nestjs-redis-data';

import { AppVariables } from './app.variables.js';
import { DATABASE_URL_ACCEPTED, parseDatabaseUrl, schemeOf } from './database-url.js';
import { TIME, TIME_ACCEPTED } from './time.js';
import type { Environment } from './variables.js';
import { problemsOf, readVariables } from './variables.js';

/** The database of a machine that has nothing but Node. */
const OWN_FILE = 'file:.data/users.db';

/** The environment variables of the database, as text, with their defaults. */
export class DatabaseVariables {
  /** {@link databaseProblems} checks it, and does not print the password. */
  DATABASE_URL = OWN_FILE;

  @Matches(/^([1-9]\d{0,2}|1000)$/, { message: 'a number from 1 to 1000' })
  DATABASE_POOL_SIZE = '10';

  @Matches(TIME, { message: TIME_ACCEPTED })
  DATABASE_CONNECT_TIMEOUT = '5000';

  @Matches(TIME, { message: TIME_ACCEPTED })
  DATABASE_STATEMENT_TIMEOUT = '5000';
}

/** Every problem of the database's variables. Only the scheme of a URL is printed. */
export function databaseProblems(env: Environment): ConfigurationProblem[] {
  const variables = readVariables(new DatabaseVariables(), env);
  return [...urlProblems(variables.DATABASE_URL, env), ...problemsOf(variables)];
}

function urlProblems(url: string, env: Environment): ConfigurationProblem[] {
  const setting = 'DATABASE_URL';
  if (parseDatabaseUrl(url) === undefined) {
    return [{ setting, value: schemeOf(url), accepted: DATABASE_URL_ACCEPTED }];
  }
  const { USERS_STORE } = readVariables(new AppVariables(), env);
  const isForgotten = env['NODE_ENV'] === 'production' && !env['DATABASE_URL']?.trim();
  if (!isForgotten || USERS_STORE === 'redis') return [];
  const accepted = `in production it must name the database of the users: ${DATABASE_URL_ACCEPTED}`;
  return [{ setting, accepted }];
}
