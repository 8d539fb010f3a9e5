import { describe, expect, it } from '@jest/globals';
import { KeyBuilder, RedisRepository } from '../../src/index.js';
import { openConnection } from './support/open-connection.js';
import { startRedis } from '../../src/testing/index.js';
import { pass } from '../../../../test/support/time.js';
import { listenedCache } from './support/cache-stage.js';
import { Customer } from './support/customer.js';
import { recordCommands } from './support/record-commands.js';

/** A server that knows every script already, and what a client sends to it. */
async function open() {
  const server = await startRedis();
  const { client, close } = await openConnection({ url: server.url });
  const keys = new KeyBuilder({ app: 'test', environment: 'trips' });
  const { cache } = listenedCache(client, keys, { timeout: '10s' }); // a slow server is not given up
  await cache.getOrLoad('known', () => 1, { tags: ['known'], dependsOn: ['foreign'] });
  await cache.getOrLoad('failing', () => Promise.reject(new Error('x'))).catch(() => undefined);
  await cache.getOrLoad('read', ({ read }) => read('foreign'), { negativeTtl: '1m' });
  await cache.set('set', 1);
  await cache.change({ tags: ['known'], keys: ['known'] }, () => undefined);
  await cache.getOrLoad('slow', () => pass(200), { negativeTtl: '1m' }); // so long that its holder has to show that it lives
  const record = recordCommands(client);
  return {
    cache,
    client,
    keys,
    /** Counts the round trips of some work. */
    trips: async (work: () => Promise<unknown>) => {
      // Commands of earlier work without a waiting caller, such as the end of a lease, must end first.
      await Promise.allSettled(record.sent.map(({ promise }) => promise));
      const before = record.roundTrips;
      await work();
      return record.roundTrips - before;
    },
    names: () => record.names(),
    [Symbol.asyncDispose]: async () => {
      await close();
      await server.stop();
    },
  };
}

const TAGS = Array.from({ length: 16 }, (_, i) => `tag ${i}`);

describe('The round trips of a cache', () => {
  it('are one for a hit, with any number of tags', async () => {
    await using on = await open();
    const load = (tags: string[]) => on.cache.getOrLoad(['x', tags.length], () => 1, { tags });
    expect(await on.trips(() => load(TAGS))).toBe(3);
    expect(await on.trips(() => load(TAGS))).toBe(1);
    expect(await on.trips(() => load([]))).toBe(3);
    expect(await on.trips(() => load([]))).toBe(1);
    expect(on.names().filter((name) => name === 'mget')).toHaveLength(4);
  });

  it('are one for all hits of a turn, also together with repositories', async () => {
    await using on = await open();
    const customers = new RedisRepository(on.client, on.keys, Customer);
    const load = (i: number) => on.cache.getOrLoad(['x', i], () => i, { tags: TAGS });
    await Promise.all([1, 2, 3].map(load));
    expect(await on.trips(() => Promise.all([load(1), load(2), load(3)]))).toBe(1);
    const before = on.names().length;
    await Promise.all([load(1), customers.getById('1'), on.cache.get(['x', 2], { tags: TAGS })]);
    expect(on.names().slice(before)).toEqual(['mget']);
  });

  it('are as many for ten keys as for one, and fewer for cached keys', async () => {
    await using on = await open();
    const keys = Array.from({ length: 10 }, (_, i) => `all-${i}`);
    const load = (missing: string[]) => new Map(missing.map((key) => [key, key]));
    const options = { tags: (key: string) => [...TAGS, key] };
    const read = (count: number) => on.cache.getOrLoadAll(keys.slice(0, count), load, options);
    // On a slow server a sign of life may still be on its way when the values are stored: one trip less.
    expect(await on.trips(() => read(8))).toBeLessThanOrEqual(3);
    expect(await on.trips(() => read(8))).toBe(1);
    const before = on.names().length;
    await read(8);
    expect(on.names().slice(before)).toEqual(['mget']);
    expect(await on.trips(() => read(10))).toBeLessThanOrEqual(3);
  });

  it('are two the first time if an entry has more dependencies than its reader names', async () => {
    await using on = await open();
    await on.cache.getOrLoad('x', () => 1, { tags: ['a', 'b'] });
    const read = () => on.cache.get('x', { tags: ['a'] });
    expect([await on.trips(read), await on.trips(read)]).toEqual([2, 1]);
  });

  it('are one more for tags that a loader names, early or late, and two for the content of a key', async () => {
    await using on = await open();
    const { cache } = on;
    const early = () =>
      cache.getOrLoad('a', (context) => context.dependOn({ tags: ['early'] }).then(() => 1));
    const reading = () => cache.getOrLoad('b', async ({ read }) => (await read('foreign')) ?? 1);
    const late = () =>
      cache.getOrLoad('c', ({ addTags }) => {
        addTags('late');
        return 1;
      });
    expect([await on.trips(early), await on.trips(reading), await on.trips(late)]).toEqual([
      4, 5, 4,
    ]);
  });

  it('are few for set, delete and invalidations', async () => {
    await using on = await open();
    const { cache } = on;
    expect(await on.trips(() => cache.set('x', 1, { tags: TAGS }))).toBe(2);
    expect(await on.trips(() => cache.get('x', { tags: TAGS }))).toBe(1);
    expect(await on.trips(() => cache.delete('x'))).toBe(1);
    expect(await on.trips(() => cache.invalidateTags(...TAGS))).toBe(1);
    expect(await on.trips(() => cache.invalidatePattern('nothing*'))).toBe(2);
    const customers = new RedisRepository(on.client, on.keys, Customer);
    expect(await on.trips(async () => customers.dependencyOn('1'))).toBe(0);
  });

  it('are two for a change, and not more for a read of a value that is being changed', async () => {
    await using on = await open();
    const { cache } = on;
    const change = (work: () => unknown) => cache.change({ tags: TAGS, keys: ['x', 'y'] }, work);
    expect(await on.trips(() => change(() => undefined))).toBe(2);
    await cache.getOrLoad('z', () => 1, { tags: TAGS });
    const load = () => cache.getOrLoad('z', () => 1, { tags: TAGS });
    await change(async () => {
      expect([await on.trips(load), await on.trips(load)]).toEqual([1, 1]);
    });
    expect([await on.trips(load), await on.trips(load)]).toEqual([3, 1]);
  });
});
