import { validateSync } from 'class-validator';
import type { ConfigurationProblem } from 'nestjs-redis-data';

export type Environment = Readonly<Record<string, string | undefined>>;

/** Sets those members that the environment has. An empty variable counts as not set, as in `PORT= npm start`. */
export function readVariables<T extends object>(defaults: T, env: Environment): T {
  const set = Object.keys(defaults).flatMap((name) => {
    const value = env[name]?.trim();
    return value ? [[name, value]] : [];
  });
  return Object.assign(defaults, Object.fromEntries(set) as object);
}

/** What is wrong with each of them, by their decorators of class-validator. */
export function problemsOf(variables: object): ConfigurationProblem[] {
  return validateSync(variables).map(({ property, value, constraints }) => ({
    setting: property,
    value: String(value),
    accepted: Object.values(constraints ?? {}).join(', '),
  }));
}
