import { describe, expect, it } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { RedisCacheOptions } from '../../src/cache/cache-options.js';
import { KeyBuilder } from '../../src/index.js';
import type { RedisCache } from '../../src/cache/redis-cache.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { listenedCache } from './support/cache-stage.js';
import { useHarmedServer } from './support/harmed-server.js';
import { randomNumbers } from './support/random.js';

const keys = new KeyBuilder({ app: 'test', environment: 'nesting' });

/** Of a client that is not connected, and never will be. */
function withoutRedis(options: RedisCacheOptions): RedisCache {
  const client = new Redis({ port: 1, lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  client.disconnect();
  return listenedCache(client, keys, { loadTimeout: '4s', ...options }).cache;
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);

/** Counts those that run at once. */
function counted() {
  let running = 0;
  const counter = {
    most: 0,
    load: async (ms: number) => {
      counter.most = Math.max(counter.most, ++running);
      await sleep(ms);
      running--;
      return ms;
    },
  };
  return counter;
}

describe('While Redis is down, on one server', () => {
  it('nested loads work in as many loads as may run at the same time', async () => {
    const cache = withoutRedis({});
    const page = (i: number) =>
      cache.getOrLoad(['page', i], () => cache.getOrLoad(['author', i], () => sleep(1, i)));
    expect(await Promise.all(numbers(64).map(page))).toEqual(numbers(64));
  });

  it('nested loads use the places of their outer loads, and no more loads run at the same time', async () => {
    const cache = withoutRedis({ maxLoads: 3 });
    const counter = counted();
    const leaf = (name: string) => cache.getOrLoad(['leaf', name], () => counter.load(2));
    const branch = (name: string) =>
      cache.getOrLoad(['branch', name], async () => {
        const leaves = await Promise.all(numbers(3).map((n) => leaf(`${name}-${n}`)));
        return leaves.length;
      });
    const tree = (name: string) =>
      cache.getOrLoad(['tree', name], async () => {
        const branches = await Promise.all(numbers(2).map((n) => branch(`${name}-${n}`)));
        return branches.length;
      });
    const trees = numbers(10).map((n) => tree(`${n}`));
    expect(new Set(await Promise.all(trees))).toEqual(new Set([2]));
    expect(counter.most).toBe(3);
    const free = await Promise.all(numbers(3).map((n) => leaf(`afterwards ${n}`)));
    expect(free).toHaveLength(3); // every place was given back
  });

  it('a load for which nested callers wait gets their place, also if others asked for it first', async () => {
    const cache = withoutRedis({ maxLoads: 1 });
    const shared = () => cache.getOrLoad('shared', () => sleep(1, 'value'));
    const outer = cache.getOrLoad('outer', async () => {
      await sleep(10);
      return shared();
    });
    await sleep(1);
    const first = shared(); // waits for a place, which the outer one has
    expect(await Promise.all([outer, first])).toEqual(['value', 'value']);
  });

  it('two caches load through each other', async () => {
    const [one, other] = [withoutRedis({ maxLoads: 1 }), withoutRedis({ maxLoads: 1 })];
    const through = (outer: RedisCache, inner: RedisCache, name: string) =>
      outer.getOrLoad(['outer', name], async () => {
        await sleep(5); // both have their place
        return inner.getOrLoad(['inner', name], () => name);
      });
    const both = Promise.all([through(one, other, 'a'), through(other, one, 'b')]);
    expect(await both).toEqual(['a', 'b']);
  });

  it('a load without callers keeps the place that it was lent', async () => {
    const cache = withoutRedis({ maxLoads: 1 });
    const counter = counted();
    let left: Promise<unknown> | undefined;
    const outer = cache.getOrLoad('outer', () => {
      left = cache.getOrLoad('left', () => counter.load(20));
      return 'value';
    });
    expect(await outer).toBe('value');
    await cache.getOrLoad('next', () => counter.load(1));
    await left;
    expect(counter.most).toBe(1);
  });

  it('a load that asks for itself, directly or through another cache, fails at once', async () => {
    const [cache, other] = [withoutRedis({ maxLoads: 1 }), withoutRedis({ name: 'other' })];
    const itself = (): Promise<string> => cache.getOrLoad('x', itself);
    const through = (): Promise<string> =>
      cache.getOrLoad('x', () => other.getOrLoad('x', () => through()));
    for (const load of [itself, through]) {
      expect(await caught(load())).toHaveProperty('name', 'RedisLoadCycleException');
    }
    expect(await cache.getOrLoad('x', () => 'value')).toBe('value'); // every place was given back
  });

  it.each(numbers(5))('all calls end, for any nesting (seed %d)', async (seed) => {
    const random = randomNumbers(seed);
    const caches = [1, 2, 3].map((maxLoads) => withoutRedis({ maxLoads }));
    // Each may ask for later ones only, or it would wait for itself.
    const asks = numbers(9).map((n) => numbers(9).filter((other) => other > n && random() < 0.35));
    const load = (n: number): Promise<number> => {
      const cache = caches[n % 3] as RedisCache;
      return cache.getOrLoad(['node', n], async () => {
        await sleep(random() * 2);
        const inner = asks[n] ?? [];
        if (n % 2 === 0) await Promise.all(inner.map(load));
        else for (const other of inner) await load(other);
        return n;
      });
    };
    const all = numbers(60).map((i) => i % 9);
    expect(await Promise.all(all.map(load))).toEqual(all);
  });
});

describeWithRealRedis('When Redis dies during nested loads', () => {
  const harmed = useHarmedServer();

  it('all calls end', async () => {
    const { cache, connection } = await harmed.open({ maxLoads: 2, timeout: '100ms' });
    let begun = 0;
    const page = (i: number) =>
      cache.getOrLoad(['page', i], async () => {
        begun++;
        await connection.until('connection.down');
        return cache.getOrLoad(['author', i % 5], () => sleep(1, i % 5));
      });
    const pages = numbers(20).map(page);
    while (begun < 20) await sleep(1);
    await harmed.server.kill();
    expect(await Promise.all(pages)).toEqual(numbers(20).map((i) => i % 5));
  });
});
