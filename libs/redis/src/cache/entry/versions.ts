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
 */
export function standsExactly(
  { text, dependenciesAt, bodyAt }: Entry,
  dependencies: readonly Dependency[],
  versions: readonly (string | null)[],
): boolean {
  let at = dependenciesAt;
  for (let i = 0; i < dependencies.length; i++) {
    const { label } = dependencies[i] as Dependency;
    const version = versions[i] ?? null;
    if (version === null) return false;
    if (!text.startsWith(label, at) || text[at + label.length] !== '\n') return false;
    at += label.length + 1;
    if (!text.startsWith(version, at) || text[at + version.length] !== '\n') return false;
    at += version.length + 1;
  }
  return at === bodyAt;
}
