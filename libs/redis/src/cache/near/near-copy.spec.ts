import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { slotOf } from '../../connection/driver/hash-slots.js';
import type { Link } from '../../connection/tracking/link.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { jsonSerializer } from '../../serialization/json-bodies.js';
import { RedisInvalidKeyException } from '../../errors/redis-invalid-key.exception.js';
import { CacheKeys } from '../cache-keys.js';
import type { CacheKey } from '../cache-options.js';
import { Dependencies } from '../entry/dependencies.js';
import { decodeEntry, encodeEntry, encodeVersions, type Entry } from '../entry/envelope.js';
import type { Coherence } from './coherence.js';
import { NearCopy } from './near-copy.js';
import { VALUES_ARE_SHARED } from './near-entry.js';

const SERVER_TIME = 1_000_000;
const MB = 2 ** 20;
const builder = new KeyBuilder({ app: 'a', environment: 'e' });
const dependencies = new Dependencies(builder);
const keys = new CacheKeys(builder, 'default');
const keyOf = (key: CacheKey) => keys.of(key).entry;
const tag = (name: string) => dependencies.tag(name);

interface Made {
  readonly tags?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly load?: string;
  readonly freshForMs?: number;
  readonly kind?: 'v' | 'n';
  readonly content?: string;
}

function entryOf(made: Made = {}): Entry {
  const {
    tags = {},
    body = '{"a":1}',
    load = 'l',
    freshForMs = 60_000,
    kind = 'v',
    content,
  } = made;
  const versions = new Map(Object.entries(tags).map(([name, v]) => [tag(name).label, v]));
  if (content !== undefined) versions.set(dependencies.on(content).label, 'hash');
  const freshUntil = SERVER_TIME + freshForMs;
  const facts = {
    ...{ kind, freshUntil, liveUntil: freshUntil, loadedAt: SERVER_TIME, serializer: 'json' },
    fillId: load.padEnd(22, '-'),
  };
  return decodeEntry(encodeEntry(facts, encodeVersions(versions), Buffer.from(body))) as Entry;
}

/** A link that a test can lose, and prove. */
class TestLink implements Link {
  node = '';
  epoch = 1;
  isArmed = true;
  provenAt = performance.now();
  serverTimeAt = { serverMs: SERVER_TIME, atMs: performance.now() };
}

describe('NearCopy', () => {
  let link: TestLink;
  let links: Link[] | undefined;
  let copy: NearCopy;
  const coherence = {
    join: () => undefined,
    leave: () => Promise.resolve(),
    begin: () => 0,
    linksOf: () => links,
    state: { isArmed: true, oldestProofAgeMs: 0 },
    pushes: 0,
  } as unknown as Coherence;
  const copyOf = (options: object = {}) =>
    new NearCopy(
      { maxBytes: MB, maxEntries: Infinity, stalenessMs: 60_000, isFrozen: false, ...options },
      keys,
      coherence,
      dependencies,
    );
  const keep = (key: CacheKey, made?: Made, serializer = jsonSerializer) => {
    const named = Object.keys(made?.tags ?? {}).map(tag);
    copy.keep({ key: keyOf(key), entry: entryOf(made), serializer, named, since: 0 });
  };
  const valueOf = (key: string, tags?: readonly (string | number)[]) =>
    copy.find(key, { tags }, jsonSerializer)?.valueFor(jsonSerializer);

  beforeEach(() => {
    link = new TestLink();
    links = [link];
    copy = copyOf();
  });

  it('serves what it keeps, to each caller a value of its own', () => {
    keep('x');
    expect(valueOf('x')).toEqual({ a: 1 });
    expect(valueOf('x')).not.toBe(valueOf('x'));
    copy.miss();
    expect([valueOf('y'), copy.state.hits, copy.state.misses]).toEqual([undefined, 3, 1]);
  });

  it('keeps nothing whose read was overtaken by a change', () => {
    links = undefined;
    keep('x');
    expect(valueOf('x')).toBeUndefined();
  });

  it('serves each entry to callers who mean it, however they write its key', () => {
    keep('a:b');
    keep(['a:b']);
    const found = (key: CacheKey) => copy.find(key, {}, jsonSerializer)?.key;
    expect([found('a:b'), found(['a', 'b']), found(keyOf('a:b'))]).toEqual(
      Array(3).fill(keyOf('a:b')),
    );
    expect(found(['a:b'])).toBe('cache:a:e:a%3Ab');
    expect([found('a%3Ab'), found(['a%3Ab'])]).toEqual([undefined, undefined]);
    keep('cache:a:e:x');
    keep(['cache', 'a', 'e', 'x']);
    expect(found('cache:a:e:x')).toBe('cache:a:e:x');
    expect(found(['cache', 'a', 'e', 'x'])).toBe('cache:a:e:cache:a:e:x');
    expect(() => found('')).toThrow(RedisInvalidKeyException);
  });

  it('serves a caller only what depends on everything that the caller names', () => {
    keep('x', { tags: { t: 'v1', '5': 'v2', ü: 'v3' } });
    const served = [[], ['t'], ['t', '5'], [5, 't'], ['ü']].map((tags) => valueOf('x', tags));
    expect(served).toEqual(Array(5).fill({ a: 1 }));
    expect(valueOf('x', ['t', 'u'])).toBeUndefined();
    const version = tag('t').key;
    const named = (key: string) => ({ dependsOn: [{ entity: 'e', version: key }] });
    expect(copy.find('x', named(version), jsonSerializer)).toBeDefined();
    expect(copy.find('x', named('other'), jsonSerializer)).toBeUndefined();
    expect(copy.find('x', { dependsOn: ['content'] }, jsonSerializer)).toBeUndefined();
  });

  it('drops what has changed, and everything that depends on it', () => {
    keep('x', { tags: { t: 'v1' } });
    keep('y', { tags: { t: 'v1', u: 'v1' } });
    keep('z', { tags: { u: 'v1' } });
    copy.changed(tag('t').key);
    expect([valueOf('x'), valueOf('y'), valueOf('z')]).toEqual([undefined, undefined, { a: 1 }]);
    copy.changed(keyOf('z'));
    expect([valueOf('z'), copy.state.entries]).toEqual([undefined, 0]);
  });

  it('serves none of the older entries of a tag whose version is another one now', () => {
    keep('x', { tags: { t: 'v1' } });
    keep('y', { tags: { t: 'v2' } });
    expect([valueOf('x'), valueOf('y')]).toEqual([undefined, { a: 1 }]);
  });

  it('serves nothing while the latest proof is too old, and all of it with the next one', () => {
    keep('x');
    link.provenAt = performance.now() - 60_001;
    expect(valueOf('x')).toBeUndefined();
    link.provenAt = performance.now();
    expect(valueOf('x')).toEqual({ a: 1 });
  });

  it('serves nothing past its time, on the clock of the server', () => {
    const now = performance.now();
    link.serverTimeAt = { serverMs: SERVER_TIME, atMs: now - 1_000 };
    keep('already past', { freshForMs: 900 });
    keep('x', { freshForMs: 2_000 });
    keep('y', { freshForMs: 600_000 });
    const clock = jest.spyOn(performance, 'now').mockReturnValue(now);
    try {
      expect(['already past', 'x', 'y'].map((key) => valueOf(key))).toEqual([
        undefined,
        { a: 1 },
        { a: 1 },
      ]);
      clock.mockReturnValue(now + 1_000);
      expect([valueOf('x'), valueOf('y')]).toEqual([undefined, { a: 1 }]);
    } finally {
      clock.mockRestore();
    }
  });

  it('serves nothing longer than it was made for, although the clock of the server was set', () => {
    const now = performance.now();
    link.serverTimeAt = { serverMs: SERVER_TIME - 3_600_000, atMs: now };
    const clock = jest.spyOn(performance, 'now').mockReturnValue(now);
    try {
      keep('x', { freshForMs: 2_000 });
      expect(valueOf('x')).toEqual({ a: 1 });
      clock.mockReturnValue(now + 2_001);
      expect(valueOf('x')).toBeUndefined();
    } finally {
      clock.mockRestore();
    }
  });

  describe('that has lost its link', () => {
    const lose = () => {
      link.epoch++;
    };
    const confirm = (key: string, fillId: string, versions: (string | null)[]) => {
      const entry = copy.doubtful(keyOf(key));
      if (entry) copy.confirm(entry, { fillId: fillId.padEnd(22, '-'), versions }, 0);
    };

    it('serves an entry again once it is confirmed', () => {
      keep('x', { tags: { t: 'v1', u: 'v2' } });
      lose();
      expect([valueOf('x'), copy.state.entries]).toEqual([undefined, 1]);
      confirm('x', 'l', ['v1', 'v2']);
      expect([valueOf('x'), copy.state.unverified]).toEqual([{ a: 1 }, 1]);
    });

    it.each([
      ['another load has made what is stored', 'm', ['v1', 'v2']],
      ['nothing is stored', '', ['v1', 'v2']],
      ['a version is another one', 'l', ['v1', 'v3']],
      ['a version is gone', 'l', [null, 'v2']],
    ])('drops it if %s', (_, fillId, versions) => {
      keep('x', { tags: { t: 'v1', u: 'v2' } });
      lose();
      confirm('x', fillId, versions);
      expect([valueOf('x'), copy.state.entries]).toEqual([undefined, 0]);
    });

    it('asks for no confirmation before the link is back, nor of what has changed', () => {
      keep('x', { tags: { t: 'v1' } });
      expect(copy.doubtful(keyOf('x'))).toBeUndefined();
      lose();
      links = undefined;
      expect(copy.doubtful(keyOf('x'))).toBeUndefined();
      links = [link];
      expect(copy.doubtful(keyOf('x'))).toBeDefined();
      copy.changed(tag('t').key);
      expect(copy.doubtful(keyOf('x'))).toBeUndefined();
    });

    it('does not confirm what changed while it was asked', () => {
      keep('x');
      lose();
      const entry = copy.doubtful(keyOf('x'));
      links = undefined;
      if (entry) copy.confirm(entry, { fillId: 'l'.padEnd(22, '-'), versions: [] }, 0);
      links = [link];
      expect([valueOf('x'), copy.state.entries]).toEqual([undefined, 1]);
    });
  });

  it('doubts what is in a hash slot that has moved, or depends on something in it', () => {
    keep('x');
    keep('y', { tags: { t: 'v1' } });
    copy.moved(new Set([slotOf(keyOf('x'))]));
    expect([valueOf('x'), valueOf('y')]).toEqual([undefined, { a: 1 }]);
    copy.moved(new Set(Array.from({ length: 16_384 }, (_, slot) => slot)));
    expect([valueOf('y'), copy.state.entries]).toEqual([undefined, 2]);
  });

  it('drops what is on a server whose keys are all gone', () => {
    keep('x');
    copy.flushed(new TestLink());
    expect(valueOf('x')).toEqual({ a: 1 });
    copy.flushed(link);
    expect(valueOf('x')).toBeUndefined();
  });

  it('keeps that there is no value, but nothing whose content no server follows', () => {
    keep('x', { kind: 'n', body: '' });
    expect(valueOf('x')).toBeNull();
    keep('y', { content: 'any-key' });
    expect(copy.find('y', {}, jsonSerializer)).toBeUndefined();
  });

  it('gives a value to no caller with a serializer of another name', () => {
    keep('x');
    const other = { ...jsonSerializer, name: 'other' };
    expect(copy.find('x', {}, other)).toBeUndefined();
    const twin = { ...jsonSerializer, deserialize: () => 'of the twin' };
    expect(copy.find('x', {}, twin)?.valueFor(twin)).toBe('of the twin');
  });

  it('gives all callers one frozen value, if it is told to and the value can be frozen', () => {
    copy = copyOf({ isFrozen: true });
    keep('x');
    expect(valueOf('x')).toBe(valueOf('x'));
    expect(Object.isFrozen(valueOf('x'))).toBe(true);
    const dates = { ...jsonSerializer, name: 'json', deserialize: () => new Date(0) };
    keep('d', {}, dates);
    const [one, two] = [0, 1].map(() => copy.find('d', {}, dates)?.valueFor(dates));
    expect([one, one === two]).toEqual([new Date(0), false]);
    expect(copy.find('x', {}, dates)).toBeUndefined(); // made by the other one
  });

  it('shares values that their serializer says are never changed', () => {
    const shared = { ...jsonSerializer, [VALUES_ARE_SHARED]: true };
    keep('x', {}, shared);
    const value = () => copy.find('x', {}, shared)?.valueFor(shared);
    expect(value()).toBe(value());
    expect(Object.isFrozen(value())).toBe(false);
  });

  it('makes room: bytes of tags count, what was read last stays, and no value takes too much', () => {
    copy = copyOf({ maxBytes: 65_536 });
    const body = JSON.stringify('x'.repeat(500));
    for (let i = 0; i < 500; i++) {
      keep(`k${i}`, { body, tags: { [`own-${i}`]: 'v1', shared: 'v1' } });
      expect(copy.state.bytes).toBeLessThanOrEqual(65_536);
      expect(valueOf('k0')).toBe('x'.repeat(500));
    }
    const { entries, evictions } = copy.state;
    expect(entries).toBeGreaterThan(20);
    expect(entries).toBeLessThan(55); // without the bytes of their tags there would be 63
    expect(entries + evictions).toBe(500);
    keep('giant', { body: JSON.stringify('x'.repeat(20_000)) });
    expect([valueOf('giant'), copy.state.entries]).toEqual([undefined, entries]);
  });

  it('counts what its tags take in the alphabet that they are written in', () => {
    const bytesWith = (name: string) => {
      copy = copyOf();
      keep('x', { tags: { [name]: 'v1' } });
      return copy.state.bytes;
    };
    const [latin, cyrillic] = ['x', 'ж'].map((letter) => bytesWith(letter.repeat(100)));
    // Its key, its label and its name, each twice as large.
    expect((cyrillic ?? 0) - (latin ?? 0)).toBeGreaterThanOrEqual(300);
  });

  it('holds no more entries than it may', () => {
    copy = copyOf({ maxEntries: 3 });
    for (let i = 0; i < 10; i++) keep(`k${i}`);
    expect([copy.state.entries, valueOf('k6'), valueOf('k9')]).toEqual([3, undefined, { a: 1 }]);
  });

  it('takes no memory when it is closed', async () => {
    for (let i = 0; i < 10; i++) keep(`k${i}`, { tags: { [`t${i}`]: 'v1' } });
    await copy.close();
    expect(copy.state).toMatchObject({ entries: 0, bytes: 0 });
  });

  it('keeps nothing once it is closed, because it hears of no change any more', async () => {
    await copy.close();
    keep('x');
    expect([valueOf('x'), copy.state.entries]).toEqual([undefined, 0]);
  });
});
