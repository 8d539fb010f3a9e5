import type { ConfigurationProblem } from 'nestjs-redis-data';

/** Gives an option to what takes it. */
export type Use = (value: never) => unknown;

interface Refusal {
  readonly problems?: readonly ConfigurationProblem[];
  /** Of a batch, by key. */
  readonly errors?: ReadonlyMap<unknown, Refusal>;
}

/** Returns which names were refused. An option that fails in another way was accepted. */
export async function problemsOf(
  use: Use,
  value: unknown,
): Promise<readonly ConfigurationProblem[]> {
  try {
    await use(value as never);
  } catch (error) {
    const { problems, errors } = error as Refusal;
    return problems ?? [...(errors?.values() ?? [])].flatMap((each) => each.problems ?? []);
  }
  return [];
}
