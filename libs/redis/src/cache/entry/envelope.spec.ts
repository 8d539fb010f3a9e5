import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  decodeEntry,
  encodeEntry,
  fillIdOf,
  HEADER_LENGTH,
  type EntryFacts,
  type EntryKind,
  type Entry,
  decodeVersions,
  encodeVersions,
  standsExactly,
  type Versions,
  liveMsOf,
  makeEntry,
} from './envelope.js';
import { ReadKey } from '../../batch/read-turn.js';
import { type Dependency, DependencyList } from './dependencies.js';
import { resolveCacheOptions } from '../cache-policy.js';

const facts: fc.Arbitrary<EntryFacts> = fc
  .record({
    kind: fc.constantFrom<EntryKind>('v', 'n', 'u'),
    serializer: fc.oneof(fc.constant('json'), fc.stringMatching(/^[!-~]{1,64}$/)),
    fillId: fc.stringMatching(/^[\w-]{22}$/),
    freshUntil: fc.nat({ max: 9_999_999_999_999 }),
    liveUntil: fc.nat({ max: 9_999_999_999_999 }),
    loadedAt: fc.nat({ max: 9_999_999_999_999 }),
  })
  .map((made) => (made.kind === 'v' ? made : { ...made, serializer: 'json' }));

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), fc.constantFrom('', 'c1v', '\n'));
const bytes = fc
  .oneof(
    fc.uint8Array(),
    text.map((one) => Buffer.from(one)),
  )
  .map((one) => Buffer.from(one));

const FACTS = {
  kind: 'v',
  serializer: 'json',
  fillId: 'abcdefghijklmnopqrstuv',
  freshUntil: 5,
  liveUntil: 6,
  loadedAt: 7,
} as const;
const EXAMPLE = encodeEntry(FACTS, 'tx\nv1\n', Buffer.from('{"a":1}'));
const BINARY = encodeEntry({ ...FACTS, serializer: 'msgpack' }, 'tx\nv1\n', Buffer.of(0, 255, 10));

/** The example, with something else in its place. */
const withIn = (from: string, to: string) =>
  Buffer.from(EXAMPLE.toString('latin1').replace(from, to), 'latin1');

describe('An entry', () => {
  it('is a header of fixed size, the dependencies and the body', () => {
    expect(EXAMPLE.toString()).toBe(
      'c1vabcdefghijklmnopqrstuv0000000000005000000000000600000000000070000006tx\nv1\n{"a":1}',
    );
  });

  it('has the name of its serializer before its body, unless that is JSON', () => {
    const head =
      'c1sabcdefghijklmnopqrstuv0000000000005000000000000600000000000070000006tx\nv1\nmsgpack\n';
    expect(BINARY).toEqual(Buffer.concat([Buffer.from(head), Buffer.of(0, 255, 10)]));
  });

  it('is decoded to what was encoded, whatever that was', () => {
    fc.assert(
      fc.property(facts, text, bytes, (given, dependencies, body) => {
        const named = Buffer.from(dependencies).toString(); // without halves of characters
        const stored = encodeEntry(given, named, body);
        const entry = decodeEntry(stored);
        expect(entry).toMatchObject(given);
        expect(entry?.dependencies).toBe(named);
        expect(entry?.hasDependencies).toBe(named !== '');
        expect(entry?.body).toEqual(body);
        expect(fillIdOf(stored)).toBe(given.fillId);
      }),
    );
  });

  it.each([
    [EXAMPLE, '{"a":1}'.length],
    [BINARY, 3],
  ])('that was torn before its body is none: %#', (whole, bodyLength) => {
    for (let length = 0; length < whole.length - bodyLength; length++) {
      expect(decodeEntry(whole.subarray(0, length))).toBeUndefined();
    }
    expect(decodeEntry(whole)).toBeDefined();
  });

  it.each([
    ['another format', withIn('c1', 'c2')],
    ['another kind', withIn('c1v', 'c1x')],
    ['a time that is none', withIn('0000000005', '00000000-5')],
    ['a load that is none', withIn('abc', 'a:c')],
    ['JSON', Buffer.from('{"a":1}')],
  ])('is not what has %s', (_, foreign) => {
    expect([decodeEntry(foreign), fillIdOf(foreign)]).toEqual([undefined, '']);
  });

  it('is never made of foreign bytes by chance, and none make it throw', () => {
    fc.assert(
      fc.property(bytes, (foreign) => {
        expect([decodeEntry(foreign), fillIdOf(foreign)]).toEqual([undefined, '']);
      }),
    );
  });

  it('keeps the id of its load when it is torn behind the header: the script has to agree', () => {
    expect(fillIdOf(EXAMPLE.subarray(0, HEADER_LENGTH))).toBe('abcdefghijklmnopqrstuv');
    expect(fillIdOf(EXAMPLE.subarray(0, HEADER_LENGTH - 1))).toBe('');
  });
});

function entryWith(versions: Versions, body = 'body\nx\ny\n'): Entry {
  const facts = {
    kind: 'v',
    serializer: 'json',
    fillId: 'x'.repeat(22),
    freshUntil: 0,
    liveUntil: 0,
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

const { policy: defaults } = resolveCacheOptions({});

const common = {
  body: Buffer.from('1'),
  serializer: 'json',
  fillId: 'x'.repeat(22),
  versions: new Map(),
  now: 1_000_000,
} as const;

/** Fresh as long as it lives. */
const TOGETHER = { freshUntil: 1_001_000, liveUntil: 1_001_000 };

describe('An entry that is made', () => {
  it('lives as long as it is fresh, may be stale and may be the last known', () => {
    const policy = { ...defaults, jitter: 0, staleForMs: 20, failSafeMs: 300 };
    const made = makeEntry({ ...common, kind: 'v', ttlMs: 1_000, policy });
    expect(made.liveMs).toBe(1_320);
    expect(liveMsOf(1_000, policy)).toBe(1_320);
    const times = { freshUntil: 1_001_000, liveUntil: 1_001_320, loadedAt: 1_000_000 };
    expect(decodeEntry(made.bytes)).toMatchObject(times);
  });

  it('ends when Redis expires it if it is not served after that', () => {
    const policy = { ...defaults, jitter: 0 };
    const made = makeEntry({ ...common, kind: 'v', ttlMs: 1_000, policy });
    expect(made.liveMs).toBe(1_000);
    expect(decodeEntry(made.bytes)).toMatchObject(TOGETHER);
  });

  it('says never longer than it is fresh that there is no value', () => {
    const policy = { ...defaults, jitter: 0, staleForMs: 20, failSafeMs: 300 };
    for (const kind of ['n', 'u'] as const) {
      const made = makeEntry({ ...common, kind, body: Buffer.alloc(0), ttlMs: 1_000, policy });
      expect(made.liveMs).toBe(1_000);
      expect(decodeEntry(made.bytes)).toMatchObject(TOGETHER);
    }
  });

  it('ends earlier by jitter at most, and lives for a millisecond at least', () => {
    const jitter = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(jitter, fc.integer({ min: 1, max: 1_000_000 }), (fraction, ttlMs) => {
        const policy = { ...defaults, jitter: fraction, staleForMs: 50 };
        const { bytes, liveMs } = makeEntry({ ...common, kind: 'v', ttlMs, policy });
        const freshMs = (decodeEntry(bytes)?.freshUntil ?? 0) - common.now;
        expect(freshMs).toBeLessThanOrEqual(ttlMs);
        expect(freshMs).toBeGreaterThanOrEqual(Math.floor(ttlMs * (1 - fraction)));
        expect(liveMs).toBeLessThanOrEqual(ttlMs + 50);
        expect(liveMs).toBeGreaterThanOrEqual(1);
      }),
    );
  });
});
