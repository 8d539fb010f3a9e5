import { IsIn, IsPort, Matches, validateSync } from 'class-validator';
import type { ConfigurationProblem } from 'nestjs-redis-data';

export type Environment = Readonly<Record<string, string | undefined>>;

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

export type LogLevel = (typeof LOG_LEVELS)[number];

/** The environment variables of the application, as text, with their defaults. */
export class AppVariables {
  @Matches(/^[\w.:%-]{1,253}$/, { message: 'a host name or an address to listen on' })
  HOST = '127.0.0.1';

  @IsPort({ message: 'a port from 1 to 65535, or 0 for any free port' })
  PORT = '3000';

  @IsIn(LOG_LEVELS, { message: `one of ${LOG_LEVELS.join(', ')}` })
  LOG_LEVEL: LogLevel = 'info';
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
