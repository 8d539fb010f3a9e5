import { validateSync } from 'class-validator';
import type { ConfigurationProblem } from 'nestjs-redis-data';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Sets the members that the environment has. An empty variable counts as not set, as in `PORT= npm start`. */
export function readVariables<T extends object>(defaults: T, env: Environment): T {
  const set = Object.keys(defaults).flatMap((name) => {
    const value = env[name]?.trim();
    return value ? [[name, value]] : [];
  });
  return Object.assign(defaults, Object.fromEntries(set) as object);
}

/** Finds the problems of the variables, by their class-validator decorators. */
export function problemsOf(variables: object): ConfigurationProblem[] {
  return validateSync(variables).map(({ property, value, constraints }) => ({
    setting: property,
    value: String(value),
    accepted: Object.values(constraints ?? {}).join(', '),
  }));
}
