/**
 * @module config The application's own settings. Those of Redis come from the library (`redisConfig`).
 */
import { registerAs } from '@nestjs/config';
import type { NearOptions } from 'nestjs-redis-data';

import { EnvironmentException } from './environment.exception.js';
import type { LogLevel, UsersStore } from './app.variables.js';
import { AppVariables } from './app.variables.js';
import { toMs } from './time.js';
import { problemsOf, readVariables } from './variables.js';

export interface AppConfig {
  readonly host: string;
  /** 0 means any free port. */
  readonly port: number;
  readonly logLevel: LogLevel;
  /** Lines for people, or a JSON object in each line. */
  readonly logFormat: 'pretty' | 'json';
  /** How long a caller may take to send a request, in milliseconds. */
  readonly requestTimeoutMs: number;
  /** How long a request waits for its turn during an overload, in milliseconds. */
  readonly maxQueueTimeMs: number;
  /** How many requests are worked on at the same time. */
  readonly maxInFlight: number;
  readonly usersStore: UsersStore;
  /** The copy of the cache in this process; absent for none. */
  readonly near?: NearOptions;
  /** Opens the routes for operators; absent for none. */
  readonly operatorToken?: string;
}

/** @throws EnvironmentException with every problem of the application's variables */
export const appConfig = registerAs('app', (): AppConfig => {
  const variables = readVariables(new AppVariables(), process.env);
  const problems = problemsOf(variables).map((problem) =>
    problem.setting === 'OPERATOR_TOKEN' ? { ...problem, value: '(not shown)' } : problem,
  );
  if (problems.length > 0) throw new EnvironmentException(problems);
  return toConfig(variables);
});

function toConfig(variables: AppVariables): AppConfig {
  const maxBytes = Number(variables.CACHE_NEAR_BYTES);
  const staleness = `${toMs(variables.CACHE_NEAR_STALENESS)}ms` as const;
  return {
    host: variables.HOST,
    port: Number(variables.PORT),
    logLevel: variables.LOG_LEVEL,
    logFormat: variables.LOG_FORMAT === 'auto' ? usualFormat() : variables.LOG_FORMAT,
    requestTimeoutMs: toMs(variables.HTTP_REQUEST_TIMEOUT),
    maxQueueTimeMs: toMs(variables.HTTP_MAX_QUEUE_TIME),
    maxInFlight: Number(variables.HTTP_MAX_IN_FLIGHT),
    usersStore: variables.USERS_STORE,
    ...(maxBytes > 0 && { near: { maxBytes, staleness } }),
    ...(variables.OPERATOR_TOKEN !== '' && { operatorToken: variables.OPERATOR_TOKEN }),
  };
}

/** People read a terminal; programs read a pipe, a file and the output in production. */
function usualFormat(): AppConfig['logFormat'] {
  return process.stdout.isTTY && process.env['NODE_ENV'] !== 'production' ? 'pretty' : 'json';
}
