/**
 * @module config The application's own settings. Redis's come from the library (`redisConfig`).
 */
import { registerAs } from '@nestjs/config';

import { EnvironmentException } from './environment.exception.js';
import type { AppVariables, LogLevel } from './app.variables.js';
import { appProblems, readAppVariables } from './app.variables.js';

export interface AppConfig {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  readonly logLevel: LogLevel;
}

/** @throws EnvironmentException with every problem of HOST, PORT and LOG_LEVEL */
export const appConfig = registerAs('app', (): AppConfig => {
  const variables = readAppVariables(process.env);
  const problems = appProblems(variables);
  if (problems.length > 0) throw new EnvironmentException(problems);
  return toConfig(variables);
});

function toConfig({ HOST, PORT, LOG_LEVEL }: AppVariables): AppConfig {
  return { host: HOST, port: Number(PORT), logLevel: LOG_LEVEL };
}
