import { describe, expect, it } from '@jest/globals';
import type { RedisClient } from '../connection/options/options.js';
import { CHUNK_CHARACTERS, CHUNK_KEYS, chunksOf, sendInChunks } from './chunks.js';

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
