import type { Dependency } from './dependency.js';
import type { Entry } from './envelope.js';

/** What each dependency was at, or `null` where it is not there. By label. */
export type Versions = ReadonlyMap<string, string | null>;

/** How dependencies and their versions stand in an entry. Neither has a line break in it. */
export function encodeVersions(versions: Versions): string {
  let block = '';
  for (const [label, version] of versions) block += `${label}\n${version ?? ''}\n`;
  return block;
}

export function decodeVersions({ text, dependenciesAt, bodyAt }: Entry): Map<string, string> {
  const lines = text.slice(dependenciesAt, bodyAt).split('\n');
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
 * @param readings in the order of the dependencies, after what was read of the entry itself
 */
export function standsExactly(
  { text, dependenciesAt, bodyAt }: Entry,
  dependencies: readonly Dependency[],
  readings: readonly (string | null)[],
): boolean {
  if (dependencies.length === 0) return dependenciesAt === bodyAt;
  const block = blockOf(dependencies, readings);
  // Comparing a slice is many times faster than startsWith, which goes character by character.
  return block !== undefined && text.slice(dependenciesAt, bodyAt) === block;
}

interface Block {
  readonly dependencies: readonly Dependency[];
  readonly readings: readonly (string | null)[];
  readonly text: string | undefined;
}

/** Reads of one turn mostly share their tags, and what was read of them. */
let latest: Block = { dependencies: [], readings: [], text: '' };

/** @returns `undefined` if something is not there at all */
function blockOf(
  dependencies: readonly Dependency[],
  readings: readonly (string | null)[],
): string | undefined {
  if (isLatest(dependencies, readings)) return latest.text;
  let text: string | undefined = '';
  for (let i = 0; i < dependencies.length && text !== undefined; i++) {
    const version = readings[i + 1] ?? null;
    text = version === null ? undefined : `${text}${dependencies[i]?.label}\n${version}\n`;
  }
  latest = { dependencies, readings, text };
  return text;
}

function isLatest(
  dependencies: readonly Dependency[],
  readings: readonly (string | null)[],
): boolean {
  const { length } = dependencies;
  if (length !== latest.dependencies.length) return false;
  for (let i = 0; i < length; i++) {
    if (dependencies[i] !== latest.dependencies[i]) return false;
    if (readings[i + 1] !== latest.readings[i + 1]) return false;
  }
  return true;
}
