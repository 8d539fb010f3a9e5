import { IsIn, IsPort, Matches, validateSync } from 'class-validator';
import type { ConfigurationProblem } from 'nestjs-redis-data';

export type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

const LOG_FORMATS = ['auto', 'pretty', 'json'] as const;

/** Milliseconds, or a duration with its unit, of less than a week: far below what a timer can hold. */
const TIME = /^[1-9]\d{0,7}(ms)?$|^[1-9]\d{0,3}[sm]$/;
const TIME_ACCEPTED =
  'milliseconds, at most 99999999, or a duration with its unit (500ms, 10s, 1m, at most 9999m), above zero';

/** The environment variables of the application, as text, with their defaults. */
export class AppVariables {
  @Matches(/^[\w.:%-]{1,253}$/, { message: 'a host name or an address to listen on' })
  HOST = '127.0.0.1';

  @IsPort({ message: 'a port from 1 to 65535, or 0 for any free port' })
  PORT = '3000';

  @IsIn(LOG_LEVELS, { message: `one of ${LOG_LEVELS.join(', ')}` })
  LOG_LEVEL: LogLevel = 'info';

  @IsIn(LOG_FORMATS, { message: `one of ${LOG_FORMATS.join(', ')}` })
  LOG_FORMAT: (typeof LOG_FORMATS)[number] = 'auto';

  @Matches(TIME, { message: TIME_ACCEPTED })
  HTTP_REQUEST_TIMEOUT = '10000';

  @Matches(TIME, { message: TIME_ACCEPTED })
  HTTP_MAX_QUEUE_TIME = '10';

  @Matches(/^[1-9]\d{0,5}$/, { message: 'a number from 1 to 999999' })
  HTTP_MAX_IN_FLIGHT = '1000';
}

/** An empty variable counts as not set, as in `PORT= npm start`. */
export function readAppVariables(env: Environment): AppVariables {
  const variables = new AppVariables();
  const set = Object.keys(variables).flatMap((name) => {
    const value = env[name]?.trim();
    return value ? [[name, value]] : [];
  });
  Object.assign(variables, Object.fromEntries(set));
  return variables;
}

export function appProblems(variables: AppVariables): ConfigurationProblem[] {
  return validateSync(variables).map(({ property, value, constraints }) => ({
    setting: property,
    value: String(value),
    accepted: Object.values(constraints ?? {}).join(', '),
  }));
}
