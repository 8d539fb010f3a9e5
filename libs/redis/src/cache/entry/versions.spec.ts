import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ReadKey } from '../../batch/read-turn.js';
import type { Dependency } from './dependency.js';
import { DependencyList } from './dependency-list.js';
import { decodeEntry, encodeEntry, type Entry } from './envelope.js';
import { decodeVersions, encodeVersions, standsExactly, type Versions } from './versions.js';

function entryWith(versions: Versions, body = 'body\nx\ny\n'): Entry {
  const facts = {
    kind: 'v',
    serializer: 'json',
    fillId: 'x'.repeat(22),
    freshUntil: 0,
    loadedAt: 0,
  } as const;
  return decodeEntry(encodeEntry(facts, encodeVersions(versions), Buffer.from(body))) as Entry;
}

const listOf = (labels: readonly string[]) =>
  new DependencyList(
    labels.map((label): Dependency => ({
      label,
      by: 'version',
      key: label,
      read: new ReadKey(label),
    })),
  );

/** Few letters, so that some are the beginning of others. */
const name = fc.stringMatching(/^[tab]{1,3}$/);
const pairs = fc.uniqueArray(fc.tuple(name, name), { selector: ([label]) => label, maxLength: 4 });

describe('Versions', () => {
  it('come back as they were', () => {
    fc.assert(
      fc.property(pairs, (given) => {
        expect([...decodeVersions(entryWith(new Map(given)))]).toEqual(given);
      }),
    );
  });

  it('that are not there come back as none that there is', () => {
    const entry = entryWith(new Map([['ta', null]]));
    expect(decodeVersions(entry)).toEqual(new Map([['ta', '']]));
    expect(standsExactly(entry, listOf(['ta']), [null])).toBe(false);
  });

  it('are judged the quick way as they are the slow way', () => {
    const read = fc.uniqueArray(fc.tuple(name, fc.option(name)), {
      selector: ([label]) => label,
      maxLength: 4,
    });
    const same = pairs.map((given) => [given, given] as const);
    const changed = fc.tuple(pairs, read);
    fc.assert(
      fc.property(fc.oneof(same, changed), ([stored, found]) => {
        const entry = entryWith(new Map(stored));
        const slow =
          JSON.stringify([...decodeVersions(entry)]) === JSON.stringify(found) &&
          found.every(([, version]) => version !== null);
        const list = listOf(found.map(([label]) => label));
        const versions = found.map(([, version]) => version);
        expect(standsExactly(entry, list, versions)).toBe(slow);
        expect(standsExactly(entry, list, [...versions])).toBe(slow); // now it knows them
      }),
      { numRuns: 2_000 },
    );
  });

  it('are compared whole, and not beyond their end', () => {
    const entry = entryWith(new Map([['ta', 'v1']]), 'tb\nv2\n');
    const stands = (labels: string[], versions: (string | null)[]) =>
      standsExactly(entry, listOf(labels), versions);
    expect(stands(['ta'], ['v1'])).toBe(true);
    expect(stands(['ta'], ['v'])).toBe(false);
    expect(stands(['t'], ['v1'])).toBe(false);
    expect(stands(['ta', 'tb'], ['v1', 'v2'])).toBe(false); // that is the body
    expect(stands([], [])).toBe(false);
    expect(stands(['ta'], [])).toBe(false);
  });
});
