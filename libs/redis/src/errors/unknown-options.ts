import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from './redis-configuration.exception.js';

/** The names of all options; an object, so that the compiler finds a missing one. */
export type OptionNames = Readonly<Record<string, true>>;

/** The largest number of letters in which a misspelt name may differ from the correct one. */
const MOST_EDITS = 3;

/**
 * Finds options with an unknown name. Without it a misspelt option would silently keep its default. An
 * option that is `undefined` counts as absent.
 *
 * @param where a prefix of the names in messages, e.g. `logging.`
 * @internal
 */
export function unknownOptions(
  given: object,
  known: OptionNames,
  where = '',
): ConfigurationProblem[] {
  const names = Object.keys(known);
  return Object.entries(given)
    .filter(([name, value]) => value !== undefined && !Object.hasOwn(known, name))
    .map(([name]) => {
      const nearest = nearestOf(name, names);
      const hint = nearest === undefined ? '' : `did you mean ${nearest}? `;
      const accepted = `${hint}one of ${names.join(', ')}`;
      return { setting: `${where}${name}`, value: 'unknown option', accepted };
    });
}

/**
 * Refuses options with an unknown name.
 *
 * @throws RedisConfigurationException listing all of them
 * @internal
 */
export function refuseUnknownOptions(given: object, known: OptionNames, where?: string): void {
  const problems = unknownOptions(given, known, where);
  if (problems.length > 0) throw new RedisConfigurationException(problems);
}

function nearestOf(name: string, names: readonly string[]): string | undefined {
  const most = Math.min(MOST_EDITS, Math.floor(name.length / 2));
  const [best] = names
    .map((known) => ({ known, edits: editsBetween(name.toLowerCase(), known.toLowerCase()) }))
    .filter(({ edits }) => edits <= most)
    .sort((one, other) => one.edits - other.edits);
  return best?.known;
}

/** Counts the letters to add, drop or replace (https://en.wikipedia.org/wiki/Levenshtein_distance). */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, i) => i);
  for (const [i, letter] of Array.from(one).entries()) {
    const next = [i + 1];
    for (const [j, edits] of row.slice(0, -1).entries()) {
      const replaced = edits + (letter === other[j] ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
