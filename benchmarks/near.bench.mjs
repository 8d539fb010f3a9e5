/**
 * A hit of the near copy against what else a process can read from, in one run: the same cache without one,
 * plain ioredis and node-redis, bentocache with memory first and its bus, lru-cache alone, JSON.parse alone.
 *
 * Usage: npm run build && node benchmarks/near.bench.mjs [hits] [memory] [processes] [plots]
 *
 * Without names all parts run, one after the other. Each writes `benchmarks/results/near-<part>.json`.
 */
import 'reflect-metadata';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { LRUCache } from 'lru-cache';
import { startRedis } from 'nestjs-redis-data/testing';
import { openBento, openIoredis, openNodeRedis, openOurs } from './support/near-caches.mjs';
import { measureMemory } from './support/near-memory.mjs';
import { drawPlots } from './support/near-plots.mjs';
import { compareProcesses } from './support/near-processes.mjs';
import { runParts } from './support/parts.mjs';
import { conditions, median, print, writeResults } from './support/results.mjs';

const ROUNDS = 7;
const ENTRIES = 1_000;
const MEASURE_MS = 50;
const CALLERS = [1, 64, 256];
const SIZES = { '100 B': 100, '10 KB': 10_000 };
const TAGGINGS = { 'no tags': undefined, '16 tags': tagNames(16) };
/** A busy machine often pauses for a second, which would count as a lost link. */
const STALENESS = '5s';
const NEAR = { maxBytes: 2 ** 27, staleness: STALENESS };

await runParts({
  hits: compareHits,
  memory: measureMemory,
  processes: compareProcesses,
  plots: drawPlots,
});

async function compareHits() {
  const server = await startRedis();
  const rows = [];
  for (const [size, bytes] of Object.entries(SIZES)) {
    for (const [tagging, tags] of Object.entries(TAGGINGS)) {
      rows.push(...(await compare(server, { size, tagging }, valuesOf(bytes), tags)));
    }
  }
  writeResults('near-hits', {
    ...conditions(`medians of ${ROUNDS} interleaved rounds, ${ENTRIES} entries`),
    rows,
  });
  await server.stop();
}

async function compare(server, subject, values, tags) {
  const caches = await open(server);
  const contenders = {};
  for (const [name, { getOrLoad }] of Object.entries(caches)) {
    const kind = `${subject.size}-${subject.tagging}`.replaceAll(/\W/g, '');
    const keys = values.map((_, i) => `${kind}-${i}`);
    await fill(caches[name], keys, values, tags);
    contenders[name] = { act: (i) => getOrLoad(keys[i % ENTRIES], unexpected, tags) };
  }
  const lru = new LRUCache({ max: 2 * ENTRIES });
  values.forEach((value, i) => lru.set(`lru-${i}`, value));
  const names = values.map((_, i) => `lru-${i}`);
  const texts = values.map((value) => JSON.stringify(value));
  contenders['lru-cache get, in a promise'] = { act: async (i) => lru.get(names[i % ENTRIES]) };
  contenders['lru-cache get'] = { act: (i) => lru.get(names[i % ENTRIES]), isSync: true };
  contenders['JSON.parse'] = { act: (i) => JSON.parse(texts[i % ENTRIES]), isSync: true };

  const rows = [];
  for (const callers of CALLERS) {
    const costs = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
    const times = {};
    for (let round = -1; round < ROUNDS; round++) {
      const order = Object.entries(contenders);
      if (round % 2 === 0) order.reverse();
      for (const [name, contender] of order) {
        const cost = await measure(contender, callers, times[name] ?? 500);
        if (round >= 0) costs[name].push(cost);
        else times[name] = Math.ceil((MEASURE_MS / 1_000) * cost.rate);
      }
    }
    for (const name of Object.keys(contenders)) {
      const of = (what) => median(costs[name].map((cost) => cost[what]));
      const row = { ...subject, callers, name, rate: Math.round(of('rate')), cpuUs: of('cpuUs') };
      rows.push(row);
      print([
        ...Object.values(subject),
        `${callers} callers`,
        name,
        `${row.rate}/s`,
        us(row.cpuUs),
      ]);
    }
  }
  for (const cache of Object.values(caches)) await cache.close();
  return rows;
}

async function open(server) {
  return {
    'near copy, frozen': await openOurs(server, { near: { ...NEAR, shared: 'frozen' } }),
    'near copy': await openOurs(server, { near: NEAR }),
    'no near copy': await openOurs(server),
    'ioredis GET + JSON.parse': openIoredis(server),
    'node-redis GET + JSON.parse': await openNodeRedis(server),
    'bentocache, memory first': openBento(server),
  };
}

/** Reads until all values are where later reads find them, and checks that they are the right ones. */
async function fill({ getOrLoad, nearHits }, keys, values, tags) {
  const all = () => Promise.all(keys.map((key, i) => getOrLoad(key, () => values[i], tags)));
  await all();
  for (let before = nearHits?.(); ; before = nearHits()) {
    const found = await all();
    if (JSON.stringify(found) !== JSON.stringify(values)) throw new Error('other values');
    if (!nearHits || nearHits() - before >= keys.length) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Times per second, and the microseconds of this process that each takes, its threads included. */
async function measure({ act, isSync }, callers, times) {
  let done = 0;
  const before = process.cpuUsage();
  const start = performance.now();
  const caller = async () => {
    if (isSync) while (done < times) act(done++);
    else while (done < times) await act(done++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const rate = (times / (performance.now() - start)) * 1_000;
  const { user, system } = process.cpuUsage(before);
  await nextTurn(); // what came from Redis meanwhile
  return { rate, cpuUs: (user + system) / times };
}

/** Objects whose JSON has about this length. */
function valuesOf(bytes) {
  return Array.from({ length: ENTRIES }, (_, i) => {
    const one = {
      id: i,
      title: `The title of post number ${i}`,
      author: 'Ada Lovelace',
      likes: 42,
      public: true,
    };
    if (bytes < 200) return one;
    const comments = Math.floor(bytes / 125);
    return { ...one, comments: Array.from({ length: comments }, (_, id) => ({ ...one, id })) };
  });
}

function tagNames(count) {
  return Array.from({ length: count }, (_, i) => `tag-${i}`);
}

function unexpected() {
  throw new Error('a miss');
}

function us(value) {
  return `${value.toFixed(value < 10 ? 2 : 0)} us of CPU`;
}
