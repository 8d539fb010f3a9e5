import { setImmediate as nextTurn } from 'node:timers/promises';
import { describe, expect, it } from '@jest/globals';
import type { RedisClient } from '../connection/options/options.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisOutOfMemoryException } from '../errors/redis-out-of-memory.exception.js';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { RedisTimeoutException } from '../errors/redis-timeout.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';
import {
  CHUNK_CHARACTERS,
  CHUNK_KEYS,
  chunksOf,
  inSlices,
  NodeOutages,
  sendInChunks,
} from './chunks.js';

const keys = (count: number) => Array.from({ length: count }, (_, i) => `k${i}`);
const sizes = (count: number, weigh: (key: string) => number) =>
  [...chunksOf(keys(count), weigh)].map((chunk) => chunk.length);

describe('chunksOf', () => {
  it('makes no chunk of nothing', () => {
    expect(sizes(0, () => 0)).toEqual([]);
  });

  it.each([
    [1, [1]],
    [CHUNK_KEYS, [CHUNK_KEYS]],
    [CHUNK_KEYS + 1, [CHUNK_KEYS, 1]],
    [CHUNK_KEYS * 2, [CHUNK_KEYS, CHUNK_KEYS]],
  ])('cuts %d keys into %j', (count, expected) => {
    expect(sizes(count, () => 0)).toEqual(expected);
  });

  it('keeps every key, in order', () => {
    const weigh = (key: string) => (key.endsWith('7') ? CHUNK_CHARACTERS : 10);
    expect([...chunksOf(keys(2_345), weigh)].flat()).toEqual(keys(2_345));
  });

  it('ends a chunk with the key that fills it', () => {
    expect(sizes(5, () => CHUNK_CHARACTERS)).toEqual([1, 1, 1, 1, 1]);
    expect(sizes(5, () => CHUNK_CHARACTERS / 2)).toEqual([2, 2, 1]);
    expect(sizes(5, (key) => (key === 'k2' ? CHUNK_CHARACTERS * 9 : 0))).toEqual([3, 2]);
  });

  it('weighs a key when its chunk is put together, not before', () => {
    const weighed: string[] = [];
    const chunks = chunksOf(keys(CHUNK_KEYS * 3), (key) => weighed.push(key) * 0);
    chunks.next();
    expect(weighed).toHaveLength(CHUNK_KEYS);
  });
});

describe('sendInChunks', () => {
  it('lets the event loop turn between chunks, even when nothing has to be waited for', async () => {
    const turned: boolean[] = [];
    let hasTurned = false;
    setImmediate(() => (hasTurned = true));
    const send = () => {
      turned.push(hasTurned);
      return Promise.resolve();
    };
    await sendInChunks({} as RedisClient, keys(CHUNK_KEYS * 3), new Map(), send);
    expect(turned).toEqual([false, true, true]);
  });

  it('waits for nothing when there is one chunk', async () => {
    let hasTurned = false;
    setImmediate(() => (hasTurned = true));
    await sendInChunks({} as RedisClient, keys(CHUNK_KEYS), new Map(), () => Promise.resolve());
    expect(hasTurned).toBe(false);
  });
});

const late = new RedisTimeoutException({ operation: 'get', key: 'a', timeoutMs: 1 });
const loading = new RedisUnavailableException('LOADING');
const standalone = {} as RedisClient;
/** `foo` is in slot 12182, `bar` in slot 5061. */
const slots: string[][] = [];
slots[12_182] = ['first:1'];
slots[5_061] = ['second:2'];
const cluster = { nodes: () => [], slots } as unknown as RedisClient;

const learned = (
  client: RedisClient,
  chunk: readonly string[],
  errors: Record<string, RedisException>,
) => {
  const outages = new NodeOutages(client);
  outages.learn(chunk, new Map(Object.entries(errors)));
  return outages;
};

describe('NodeOutages', () => {
  it('gives a server up that answered none of its keys', () => {
    const outages = learned(standalone, ['a', 'b'], { a: late, b: loading });
    expect(outages.of('z')).toBe(loading);
  });

  it('goes on while some keys are answered, be it with an error', () => {
    expect(learned(standalone, ['a', 'b'], { a: late }).of('z')).toBeUndefined();
    const full = new RedisOutOfMemoryException();
    expect(learned(standalone, ['a', 'b'], { a: late, b: full }).of('z')).toBeUndefined();
    expect(learned(standalone, ['a'], { a: full }).of('z')).toBeUndefined();
  });

  it('does not take what was never sent for an answer', () => {
    const unsent = new RedisSerializationException('a', 'cannot be written');
    expect(learned(standalone, ['a', 'b'], { a: unsent, b: late }).of('z')).toBe(late);
    expect(learned(standalone, ['a'], { a: unsent }).of('z')).toBeUndefined();
  });

  it('tells the servers of a cluster apart', () => {
    const outages = learned(cluster, ['foo', 'bar'], { foo: late });
    expect(outages.of('foo')).toBe(late);
    expect(outages.of('bar')).toBeUndefined();
  });

  it('takes a slot that no node serves for a server of its own', () => {
    const outages = learned(cluster, ['foo', 'unserved'], { unserved: late });
    expect(outages.of('foo')).toBeUndefined();
    expect(outages.of('unserved, too')).toBe(late);
  });
});

const items = Array.from({ length: 5_000 }, (_, i) => `item ${i}`);

describe('inSlices', () => {
  it('looks at each, in order, and lets the event loop turn in between', async () => {
    const seen: string[] = [];
    const visiting = inSlices(items, (item, i) => (seen[i] = item));
    const afterTurn: number[] = [];
    while (seen.length < items.length) {
      afterTurn.push(seen.length);
      await nextTurn();
    }
    await visiting;
    expect(seen).toEqual(items);
    expect(afterTurn.slice(0, 2)).toEqual([2_000, 4_000]);
  });

  it('rejects with what a visit throws, and looks at no more', async () => {
    let visits = 0;
    const visiting = inSlices(items, (_, i) => {
      visits++;
      if (i === 3_000) throw new TypeError('no');
    });
    await expect(visiting).rejects.toThrow(TypeError);
    expect(visits).toBe(3_001);
  });
});
