/** Measures one invalidation with few and with many entries under its tag. */
import { startRedis } from 'nestjs-redis-data/testing';
import { openOurs } from '../support/near-caches.mjs';
import { conditions, median, print, writeResults } from '../support/results.mjs';

export const ENTRIES = [1, 1_000, 100_000, 1_000_000];
const SLICE = 500;
const ROUNDS = 9;

export async function measureInvalidation() {
  const server = await startRedis();
  const { cache, close } = await openOurs(server);
  const rows = [];
  for (const entries of ENTRIES) {
    const options = { tags: ['all'], ttl: '1h' };
    const read = (i) => cache.getOrLoad(`entry-${i}`, () => ({ i }), options);
    const invalidateMs = [];
    const readMs = [];
    for (let round = 0; round < ROUNDS; round++) {
      // The first round finds all entries valid; the others find one, as after any invalidation.
      if (round === 0) await fill(cache, options, entries);
      invalidateMs.push(await timeOf(() => cache.invalidateTags('all')));
      readMs.push(await timeOf(() => read(0)));
    }
    const row = {
      entries,
      firstMs: invalidateMs[0],
      invalidateMs: median(invalidateMs),
      nextReadMs: median(readMs),
    };
    rows.push(row);
    print(Object.entries(row).map(([name, value]) => `${name} ${Number(value.toPrecision(3))}`));
  }
  const how = `one caller, medians of ${ROUNDS}`;
  writeResults('growth-invalidation', { ...conditions(how), rows });
  await close();
  await server.stop();
}

/** Stores all entries under the tag. */
async function fill(cache, options, entries) {
  const load = (missing) => new Map(missing.map((key) => [key, { key }]));
  for (let from = 0; from < entries; from += SLICE) {
    const count = Math.min(SLICE, entries - from);
    const keys = Array.from({ length: count }, (_, i) => `entry-${from + i}`);
    await cache.getOrLoadAll(keys, load, options);
  }
  const last = await cache.get(`entry-${entries - 1}`, options);
  if (last === undefined) throw new Error('the last entry is not stored');
}

async function timeOf(act) {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
