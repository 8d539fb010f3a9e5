import type { DependencyList } from './dependency-list.js';
import type { Entry } from './envelope.js';

/** What each dependency was at, or `null` where it was being changed. By label. */
export type Versions = ReadonlyMap<string, string | null>;

/** How dependencies and their versions stand in an entry. Neither has a line break in it. */
export function encodeVersions(versions: Versions): string {
  let block = '';
  for (const [label, version] of versions) block += `${label}\n${version ?? ''}\n`;
  return block;
}

export function decodeVersions({ dependencies }: Entry): Map<string, string> {
  const lines = dependencies.split('\n');
  const versions = new Map<string, string>();
  for (let i = 0; i + 1 < lines.length; i += 2) {
    versions.set(lines[i] as string, lines[i + 1] as string);
  }
  return versions;
}

/**
 * Whether an entry depends on exactly these, in this order, and was made of these versions. What is
 * nearly always so is told without taking the entry apart.
 *
 * @param readings in the order of the list
 */
export function standsExactly(
  entry: Entry,
  list: DependencyList,
  readings: readonly (string | null)[],
): boolean {
  if (list.all.length === 0) return !entry.hasDependencies;
  const block = list.blockOf(readings);
  return block !== undefined && entry.dependencies === block;
}
