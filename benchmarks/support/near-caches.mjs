/** The caches that the benchmarks of the near copy compare, each with `getOrLoad` and `invalidate`. */
import 'reflect-metadata';
import { NestFactory } from '@nestjs/core';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { Redis } from 'ioredis';
import { getRedisToken, KeyBuilder, RedisCache, RedisModule } from 'nestjs-redis-data';
import { createClient } from 'redis';

let opened = 0;

/** @param name of the cache, the same in all processes that share it */
export async function openOurs({ host, port }, options = {}, name = `bench-${opened++}`) {
  const app = await NestFactory.createApplicationContext(
    RedisModule.forRoot({ host, port, startup: 'require' }),
    { logger: false },
  );
  // A busy machine often pauses for 250 ms, which would count as an outage.
  const given = { name, timeout: '10s', jitter: 0, ...options };
  const cache = new RedisCache(app.get(getRedisToken()), app.get(KeyBuilder), given);
  return {
    cache,
    getOrLoad: (key, load, tags) => cache.getOrLoad(key, load, tags ? { tags } : undefined),
    invalidate: (key) => cache.delete(key),
    ...(options.near && { nearHits: () => cache.nearState.hits }),
    close: async () => {
      await cache.close();
      await app.close();
    },
  };
}

/** Auto-pipelined. Knows no tags. */
export function openIoredis({ host, port }) {
  const client = new Redis({ host, port, enableAutoPipelining: true });
  return {
    getOrLoad: async (key, load) => {
      const text = await client.get(key);
      if (text !== null) return JSON.parse(text);
      const value = await load();
      await client.set(key, JSON.stringify(value), 'EX', 3_600);
      return value;
    },
    invalidate: (key) => client.del(key),
    close: () => client.quit(),
  };
}

/** Knows no tags. */
export async function openNodeRedis({ url }) {
  const client = createClient({ url });
  await client.connect();
  return {
    getOrLoad: async (key, load) => {
      const text = await client.get(key);
      if (text !== null) return JSON.parse(text);
      const value = await load();
      await client.set(key, JSON.stringify(value), { EX: 3_600 });
      return value;
    },
    invalidate: (key) => client.del(key),
    close: () => client.quit(),
  };
}

/**
 * Memory first, then Redis; its bus tells other processes what has changed. Its memory keeps texts: with
 * values that callers share (`serialize: false`) it fails on what comes from Redis (bentocache 1.6.1).
 */
export function openBento({ host, port }) {
  const connection = { host, port, enableAutoPipelining: true };
  const store = bentostore()
    .useL1Layer(memoryDriver({ maxItems: 100_000 }))
    .useL2Layer(redisDriver({ connection }))
    .useBus(redisBusDriver({ connection }));
  const bento = new BentoCache({ default: 'cache', stores: { cache: store } });
  return {
    getOrLoad: (key, load, tags) =>
      bento.getOrSet({ key, factory: load, ttl: '1h', ...(tags && { tags }) }),
    invalidate: (key) => bento.delete({ key }),
    close: () => bento.disconnect(),
  };
}
