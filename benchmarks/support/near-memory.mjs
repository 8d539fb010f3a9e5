/**
 * The heap that a near copy takes, compared with its `maxBytes`, and its hits on a Zipf trace, compared with
 * those of lru-cache. In processes of their own, because a heap can only be measured alone.
 */
import { Buffer } from 'node:buffer';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { LRUCache } from 'lru-cache';
import { KeyBuilder } from 'nestjs-redis-data';
import { conditions, print, writeResults } from './results.mjs';
import { zipf } from './zipf.mjs';

const MB = 2 ** 20;
const TRACE_KEYS = 100_000;
const TRACE_READS = 1_000_000;
const FORMS = { copies: false, frozen: true };
const TEXTS = { 'one byte per character': 'x', 'two bytes per character': 'Ж' };

export async function measureMemory() {
  const rows = [];
  const heapOf = async (facts) => {
    const row = { ...facts, ...(await inProcess('heap', facts)) };
    rows.push(row);
    const { subject, form, tags, maxBytes, heapBytes, entries } = row;
    const part = `${((100 * heapBytes) / maxBytes).toFixed(1)} % of maxBytes`;
    print([subject, form, `${tags} own tags`, `${maxBytes / MB} MiB`, part, `${entries} entries`]);
  };
  for (const maxBytes of [64 * MB, 4 * MB]) {
    for (const form of Object.keys(FORMS)) {
      for (const tags of [0, 1, 16])
        await heapOf({ subject: 'small values', form, tags, maxBytes });
      for (const text of Object.keys(TEXTS)) {
        await heapOf({ subject: `texts, ${text}`, form, tags: 0, maxBytes });
      }
      await heapOf({ subject: 'hostile', form, tags: 0, maxBytes });
    }
  }
  const hits = [];
  for (const maxBytes of [MB, 4 * MB, 16 * MB]) {
    const row = { maxBytes, ...(await inProcess('trace', { maxBytes })) };
    hits.push(row);
    const [near, lru] = [row.near, row.lru].map((ratio) => `${(100 * ratio).toFixed(2)} %`);
    print([`Zipf(1.0), ${maxBytes / MB} MiB`, `near copy ${near}`, `lru-cache ${lru}`]);
  }
  const trace = `Zipf(1.0), ${TRACE_KEYS} keys, ${TRACE_READS} reads, values of about 100 bytes`;
  writeResults('near-memory', { ...conditions('heap after a full collection'), rows, trace, hits });
}

async function inProcess(task, facts) {
  const child = fork(fileURLToPath(import.meta.url), [task, JSON.stringify(facts)], {
    execArgv: ['--expose-gc', '--max-semi-space-size=16'],
  });
  const [[result]] = await Promise.all([once(child, 'message'), once(child, 'exit')]);
  return result;
}

const [, self, task, given] = process.argv;
if (self === fileURLToPath(import.meta.url)) {
  const run = { heap: measureHeap, trace: compareHits }[task];
  process.send(await run(JSON.parse(given)), () => process.disconnect());
}

async function measureHeap({ subject, form, tags, maxBytes }) {
  const { copy, keep, read } = await nearCopy({ maxBytes, isFrozen: FORMS[form] });
  const before = await heap();
  const character = TEXTS[subject.replace('texts, ', '')] ?? 'x';
  const isHostile = subject === 'hostile';
  const inserts = isHostile ? 1_000_000 : Math.ceil(maxBytes / (280 + 90 * tags));
  for (let i = 0; i < inserts; i++) {
    const size = isHostile ? randomSize(i, maxBytes) : 20 + (i % 400);
    const own = Array.from({ length: tags }, (_, tag) => `own-tag-${i}-${tag}`);
    const key = isHostile ? `key-${i}-${'k'.repeat(i % 200)}` : `key-${i}`;
    const value = subject.startsWith('texts')
      ? { id: i, text: character.repeat(size) }
      : {
          id: i,
          title: 'x'.repeat(size),
          likes: 42,
          score: 0.5,
          author: { name: 'Ada' },
          tags: ['a', 'b'],
        };
    keep(key, value, own);
    if (i % 3 === 0) read('key-0');
    if (isHostile && i % 100 === 0) keep('hot', { id: i, text: 'hot' }, []);
  }
  const heapBytes = (await heap()) - before;
  const { entries, bytes } = copy.state;
  return { heapBytes, entries, bytes };
}

/** From 10 bytes to 8 KB, and now and then a giant: about as large as may be kept, or larger. */
function randomSize(i, maxBytes) {
  if (i % 50_000 === 49_999) return Math.floor(maxBytes / (i % 100_000 === 49_999 ? 9 : 4));
  return Math.floor(10 * 800 ** Math.random());
}

async function compareHits({ maxBytes }) {
  const { copy, keep, read } = await nearCopy({ maxBytes, isFrozen: false });
  const value = (key) => ({ id: key, title: `The title of post number ${key}`, author: 'Ada' });
  const next = zipf(TRACE_KEYS, 1);
  const keys = Array.from({ length: TRACE_READS }, () => `post-${next()}`);
  const isHit = { near: 0, lru: 0 };
  for (const key of keys) {
    if (read(key) !== undefined) isHit.near++;
    else keep(key, value(key), []);
  }
  // As many bytes, each entry with the weight that it has in the near copy.
  const { entries, bytes } = copy.state;
  const weight = Math.round(bytes / entries);
  const lru = new LRUCache({ maxSize: maxBytes, sizeCalculation: () => weight });
  for (const key of keys) {
    if (lru.get(key) !== undefined) isHit.lru++;
    else lru.set(key, value(key));
  }
  return { near: isHit.near / TRACE_READS, lru: isHit.lru / TRACE_READS, entries };
}

/** A near copy without Redis: what it keeps is made here. */
async function nearCopy({ maxBytes, isFrozen }) {
  const inside = (path) =>
    import(new URL(`../../libs/redis/dist/esm/${path}.js`, import.meta.url).href);
  const { NearCopy } = await inside('cache/near/near-copy');
  const { CacheKeys } = await inside('cache/cache-keys');
  const { Dependencies } = await inside('cache/entry/dependencies');
  const { decodeEntry, encodeEntry, encodeVersions } = await inside('cache/entry/envelope');
  const { jsonSerializer: serializer } = await inside('serialization/json-bodies');
  const builder = new KeyBuilder({ app: 'bench', environment: 'test' });
  const keys = new CacheKeys(builder, 'default');
  const dependencies = new Dependencies(builder);
  const now = Date.now();
  const times = { freshUntil: now + 3_600_000, liveUntil: now + 3_600_000, loadedAt: now };
  const link = {
    ...{ node: '', epoch: 1, isArmed: true, provenAt: Infinity },
    serverTimeAt: { serverMs: now, atMs: performance.now() },
  };
  const coherence = {
    join: () => undefined,
    linksOf: () => [link],
    state: { isArmed: true, oldestProofAgeMs: 0 },
    pushes: 0,
  };
  const options = { maxBytes, maxEntries: Infinity, stalenessMs: 60_000, isFrozen };
  const copy = new NearCopy(options, keys, coherence, dependencies);
  let loads = 0;
  const keep = (key, value, tags) => {
    const fillId = `${loads++}`.padEnd(22, '-');
    const labels = tags.map((tag) => [`t${tag}`, `${loads}`.padEnd(22, 'v')]);
    const body = Buffer.from(JSON.stringify(value));
    const facts = { kind: 'v', serializer: 'json', fillId, ...times };
    const entry = decodeEntry(encodeEntry(facts, encodeVersions(new Map(labels)), body));
    copy.keep({ key: keys.of(key).entry, entry, serializer, named: [], since: 0 });
  };
  const read = (key) => copy.find(key, {}, serializer);
  return { copy, keep, read };
}

/** Waits between two collections, because the memory of buffers is freed by another thread after the first. */
async function heap() {
  globalThis.gc();
  await sleep(100);
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
