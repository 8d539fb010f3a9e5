/** How the cost of a hit grows with callers, with the size of the value, and with tags. */
import { startRedis } from 'nestjs-redis-data/testing';
import { openIoredis, openOurs } from '../support/near-caches.mjs';
import { conditions, median, print, writeResults } from '../support/results.mjs';

const ROUNDS = 5;
const MEASURE_MS = 150;
const NEAR = { maxBytes: 2 ** 28, staleness: '5s', shared: 'frozen' };

export const CALLERS = [1, 4, 16, 64, 256, 1_024];
export const SIZES = [100, 1_000, 10_000, 100_000, 1_000_000];
export const TAGS = [0, 1, 4, 16, 64];

export function measureCallers() {
  return measureHits('growth-callers', 'callers', CALLERS, (callers) => ({ callers }));
}

export function measureSizes() {
  return measureHits('growth-sizes', 'bytes', SIZES, (bytes) => ({ bytes }));
}

export function measureTags() {
  return measureHits('growth-tags', 'tags', TAGS, (tags) => ({ tags }));
}

async function measureHits(name, what, amounts, settingOf) {
  const server = await startRedis();
  const contenders = {
    'ioredis GET + JSON.parse': openIoredis(server),
    RedisCache: await openOurs(server),
    'near copy, frozen': await openOurs(server, { near: NEAR }),
  };
  const rows = [];
  for (const amount of amounts) {
    const setting = { callers: 64, bytes: 100, tags: 0, ...settingOf(amount) };
    const entries = Math.max(4, Math.min(1_000, Math.floor(2e7 / setting.bytes)));
    const reads = {};
    for (const [contender, cache] of Object.entries(contenders)) {
      reads[contender] = await filled(cache, `${what}-${amount}`, entries, setting);
    }
    const costs = Object.fromEntries(Object.keys(reads).map((key) => [key, []]));
    for (let round = -1; round < ROUNDS; round++) {
      const order = Object.entries(reads);
      if (round % 2 === 0) order.reverse();
      for (const [contender, read] of order) {
        const cost = await measure(read, setting.callers);
        if (round >= 0) costs[contender].push(cost);
      }
    }
    for (const contender of Object.keys(reads)) {
      const of = (fact) => median(costs[contender].map((cost) => cost[fact]));
      const row = { [what]: amount, name: contender, rate: of('rate'), cpuUs: of('cpuUs') };
      rows.push(row);
      print([`${amount} ${what}`, contender, `${row.rate.toFixed(0)}/s`, row.cpuUs.toFixed(2)]);
    }
  }
  writeResults(name, { ...conditions(`medians of ${ROUNDS} interleaved rounds`), rows });
  for (const cache of Object.values(contenders)) await cache.close();
  await server.stop();
}

/** Loads the entries, waits until a near copy has them, and says how to read one. */
async function filled(cache, prefix, entries, { bytes, tags }) {
  const value = { text: 'x'.repeat(bytes - 11) };
  const named = tags ? Array.from({ length: tags }, (_, i) => `tag-${i}`) : undefined;
  const key = (i) => `${prefix}-${i % entries}`;
  const all = async (load) => {
    for (let i = 0; i < entries; i++) await cache.getOrLoad(key(i), load, named);
  };
  await all(() => value);
  for (let before = cache.nearHits?.(); before !== undefined; before = cache.nearHits()) {
    await all(unexpected);
    if (cache.nearHits() - before >= entries) break;
  }
  return (i) => cache.getOrLoad(key(i), unexpected, named);
}

function unexpected() {
  throw new Error('a value that was stored is loaded again');
}

/** Reads for a while: times per second, and microseconds of this process for each. */
async function measure(read, callers) {
  let done = 0;
  const before = process.cpuUsage();
  const start = performance.now();
  const end = start + MEASURE_MS;
  const caller = async () => {
    // The clock costs as much as a near hit: it is read once for sixteen.
    do for (let i = 0; i < 16; i++) await read(done++);
    while (performance.now() < end);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { user, system } = process.cpuUsage(before);
  return { rate: (done / (performance.now() - start)) * 1_000, cpuUs: (user + system) / done };
}
