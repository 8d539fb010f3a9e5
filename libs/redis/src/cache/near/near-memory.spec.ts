/** The memory that near copies take, measured as the growth of the heap, and what their choice keeps. */
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { LRUCache } from 'lru-cache';
import type { Link } from '../../connection/tracking/link.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { jsonSerializer } from '../../serialization/json-bodies.js';
import { CacheKeys } from '../cache-keys.js';
import { Dependencies } from '../entry/dependencies.js';
import { decodeEntry, encodeEntry, encodeVersions, type Entry } from '../entry/envelope.js';
import type { Coherence } from './coherence.js';
import { NearCopy } from './near-copy.js';

const MB = 2 ** 20;
const MAX_BYTES = 8 * MB;
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

const builder = new KeyBuilder({ app: 'a', environment: 'e' });
const keys = new CacheKeys(builder, 'default');
const dependencies = new Dependencies(builder);
const now = Date.now();
const link: Link = {
  ...{ node: '', epoch: 1, isArmed: true, provenAt: Infinity },
  serverTimeAt: { serverMs: now, atMs: performance.now() },
};
const coherence = {
  ...{ join: () => undefined, linksOf: () => [link], pushes: 0 },
  state: { isArmed: true, oldestProofAgeMs: 0 },
} as unknown as Coherence;

function copyOf({ maxBytes = MAX_BYTES, isFrozen = false }) {
  const options = { maxBytes, maxEntries: Infinity, stalenessMs: 60_000, isFrozen };
  const copy = new NearCopy(options, keys, coherence, dependencies);
  let loads = 0;
  return {
    copy,
    keep(key: string, value: unknown, tags: readonly string[] = []) {
      const versions = new Map(tags.map((tag) => [`t${tag}`, `${loads}`.padEnd(22, 'v')]));
      const facts = {
        ...{ kind: 'v' as const, serializer: 'json', fillId: `${++loads}`.padEnd(22, '-') },
        ...{ freshUntil: now + 3_600_000, liveUntil: now + 3_600_000, loadedAt: now },
      };
      const body = Buffer.from(JSON.stringify(value));
      const entry = decodeEntry(encodeEntry(facts, encodeVersions(versions), body)) as Entry;
      copy.keep({
        ...{ key: keys.of(key).entry, entry, serializer: jsonSerializer, named: [], since: 0 },
      });
    },
    read: (key: string) => copy.find(key, {}, jsonSerializer),
  };
}

/**
 * Collects until nothing more is freed: earlier tests of the worker leave much behind, and the memory of
 * buffers is freed by another thread after a collection.
 */
async function heap(): Promise<number> {
  for (let latest = Infinity; ;) {
    collect();
    await sleep(50);
    collect();
    const { heapUsed, external } = process.memoryUsage();
    const used = heapUsed + external;
    if (used > latest - 65_536) return used;
    latest = used;
  }
}

describe('The memory of a near copy', () => {
  it.each([
    ['copies', 0, 'x'],
    ['copies', 1, 'x'],
    ['copies', 16, 'x'],
    ['copies', 0, 'Ж'],
    ['frozen', 0, 'x'],
    ['frozen', 16, 'Ж'],
  ])(
    'is about what it may take: %s, %i tags of its own each, %s',
    async (form, tags, character) => {
      const before = await heap();
      const { copy, keep } = copyOf({ isFrozen: form === 'frozen' });
      for (let i = 0; i < 16_000 / (1 + tags / 2); i++) {
        const own = Array.from({ length: tags }, (_, tag) => `own-tag-${i}-${tag}`);
        keep(`key-${i}`, { id: i, score: 0.5, text: character.repeat(20 + (i % 400)) }, own);
      }
      const grown = (await heap()) - before;
      expect(copy.state.evictions).toBeGreaterThan(100);
      expect(grown / MAX_BYTES).toBeGreaterThan(0.7);
      expect(grown / MAX_BYTES).toBeLessThan(1.25);
    },
  );

  it('is bounded under keys of random size, giants among them; a hot key stays', async () => {
    const before = await heap();
    const { copy, keep, read } = copyOf({});
    keep('hot', 1);
    let lost = 0;
    for (let i = 0; i < 15_000; i++) {
      const isGiant = i % 1_000 === 999;
      const size = isGiant ? MAX_BYTES / (i % 2_000 === 1_999 ? 9 : 4) : 10 * 800 ** Math.random();
      keep(`key-${i}-${'k'.repeat(i % 200)}`, 'x'.repeat(size));
      if (!read('hot')) lost++;
    }
    expect(lost).toBe(0);
    const grown = (await heap()) - before;
    expect(grown / MAX_BYTES).toBeLessThan(1.25);
    expect(copy.state.bytes).toBeLessThanOrEqual(MAX_BYTES);
  });
});

describe('The choice of a near copy', () => {
  it('finds at least as many values as an LRU of as many entries', () => {
    const { copy, keep, read } = copyOf({ maxBytes: MB });
    const hits = { near: 0, lru: 0 };
    const ranks = zipf(10_000, 40_000);
    for (const rank of ranks) {
      if (read(`${rank}`)) hits.near++;
      else keep(`${rank}`, rank);
    }
    const lru = new LRUCache<number, true>({ max: copy.state.entries });
    for (const rank of ranks) {
      if (lru.get(rank)) hits.lru++;
      else lru.set(rank, true);
    }
    expect(copy.state.evictions).toBeGreaterThan(5_000);
    expect(hits.near).toBeGreaterThan(hits.lru);
  });
});

/** Ranks of which each is drawn as often as its reciprocal. */
function zipf(count: number, draws: number): number[] {
  const upTo: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= count; rank++) upTo.push((sum += 1 / rank));
  return Array.from({ length: draws }, () => {
    const at = Math.random() * sum;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((upTo[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}
