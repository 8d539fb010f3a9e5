import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Redis } from 'ioredis';
import { register, Registry } from 'prom-client';
import { getRedisToken, RedisBatch, RedisCache, RedisModule, RedisPool } from 'nestjs-redis-data';
import { PrometheusModule } from '@willsoto/nestjs-prometheus';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import {
  countedCommands,
  openMetricsApp,
  scrape,
  type ConnectionOptions,
} from './support/metrics-app.js';

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

let registry: Registry;
const apps: INestApplicationContext[] = [];
beforeEach(() => {
  registry = new Registry();
});
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
  expect(registry.getMetricsAsArray()).toEqual([]);
});

async function open(...connections: ConnectionOptions[]): Promise<INestApplicationContext> {
  const all = connections.length > 0 ? connections : [{}];
  const app = await openMetricsApp(registry, ...all.map((one) => ({ url: server.url, ...one })));
  apps.push(app);
  return app;
}
const clientOf = (app: INestApplicationContext, name?: string) =>
  app.get<Redis>(getRedisToken(name), { strict: false });

describe('RedisMetricsModule', () => {
  it('counts every command once: plain, piped, in MULTI, of the pool and of each connection', async () => {
    const app = await open({}, { name: 'sessions' });
    const redis = clientOf(app);
    await redis.set('k', '1');
    await redis.pipeline().get('k').get('k').exec();
    await redis.multi().incr('n').exec();
    await app.get(RedisPool, { strict: false }).use((client) => client.get('k'));
    await clientOf(app, 'sessions').get('k');
    await redis.lpush('k', 'v').catch(() => undefined);
    const seen = await scrape(registry);
    const count = (command: string, connection = 'default', outcome = 'success') =>
      seen.get(
        `redis_command_duration_seconds_count{connection="${connection}",command="${command}",outcome="${outcome}"}`,
      );
    expect(count('set')).toBe(1);
    expect(count('get')).toBe(3);
    expect(count('get', 'sessions')).toBe(1);
    expect([count('multi'), count('incr'), count('exec')]).toEqual([1, 1, 1]);
    expect([count('lpush'), count('lpush', 'default', 'error')]).toEqual([undefined, 1]);
    expect(
      seen.get('redis_command_errors_total{connection="default",command="lpush",error="command"}'),
    ).toBe(1);
  });

  it('has no more series after ten thousand keys and fifty unknown commands', async () => {
    const app = await open();
    const redis = clientOf(app);
    await redis.set('first', 'v');
    await redis.call('BOGUS', 'secret').catch(() => undefined);
    await scrape(registry); // its INFO is in the next one
    const before = [...(await scrape(registry)).keys()];
    for (let i = 0; i < 10_000; i += 500) {
      const keys = Array.from({ length: 500 }, (_, j) => `hostile:"\n${i + j}`);
      await Promise.all(keys.map((key) => redis.set(key, 'v')));
    }
    for (let i = 0; i < 50; i++) await redis.call(`BOGUS${i}`, 'secret').catch(() => undefined);
    const after = await scrape(registry);
    expect([...after.keys()]).toEqual(before);
    expect(await registry.metrics()).not.toMatch(/hostile|secret|bogus/i);
    const other =
      'redis_command_errors_total{connection="default",command="other",error="command"}';
    expect(after.get(other)).toBe(51);
    expect(await countedCommands(registry, 'set')).toBe(10_001);
  });

  it('does not measure the duration of BLPOP', async () => {
    const app = await open();
    await app.get(RedisPool, { strict: false }).use((client) => client.blpop('nothing', 0.05));
    expect(await countedCommands(registry, 'blpop')).toBe(0);
  });

  it('shows the number of dedicated connections in use, and its limit', async () => {
    const app = await open({ maxConnections: 7 });
    const pool = app.get(RedisPool, { strict: false });
    const lent = await Promise.all([pool.acquire(), pool.acquire()]);
    expect((await scrape(registry)).get('redis_pool_in_use{connection="default"}')).toBe(2);
    for (const connection of lent) connection.release();
    await waitUntil('both are back', () => pool.inUse === 0);
    const seen = await scrape(registry);
    expect(seen.get('redis_pool_in_use{connection="default"}')).toBe(0);
    expect(seen.get('redis_pool_limit{connection="default"}')).toBe(7);
  });

  it('counts the requests and loads of a cache', async () => {
    const app = await open();
    const cache = app.get(RedisCache, { strict: false });
    const load = () => Promise.resolve(1);
    await cache.getOrLoad('k', load, { ttl: '1m', tags: ['t'] });
    await cache.getOrLoad('k', load, { ttl: '1m', tags: ['t'] });
    await cache.invalidateTags('t', 'u');
    await cache.delete('k');
    const seen = await scrape(registry);
    const requests = (result: string) =>
      seen.get(`redis_cache_requests_total{cache="default",result="${result}"}`);
    expect([requests('hit'), requests('miss')]).toEqual([1, 1]);
    expect(
      seen.get('redis_cache_load_duration_seconds_count{cache="default",outcome="filled"}'),
    ).toBe(1);
    const invalidated = (by: string) =>
      seen.get(`redis_cache_invalidations_total{cache="default",by="${by}",outcome="success"}`);
    expect([invalidated('tag'), invalidated('key')]).toEqual([2, 1]);
  });

  it('works beside PrometheusModule with the global registry, in any order, under its own names', async () => {
    @Module({
      imports: [
        RedisMetricsModule,
        PrometheusModule.register({
          customMetricPrefix: 'shop',
          defaultMetrics: { enabled: false },
        }),
        RedisModule.forRoot({ url: server.url }),
      ],
    })
    class AppModule {}
    const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
    apps.push(app);
    await app.get(RedisBatch, { strict: false }).getAll(['a']);
    expect(await countedCommands(register, 'mget')).toBe(1);
    await app.close();
    expect(register.getMetricsAsArray()).toEqual([]);
  });
});

describe('RedisMetricsModule in two applications of one process', () => {
  it('counts the commands of both in one registry, and of the remaining one after the other has closed', async () => {
    const [a, b] = [await open(), await open({ name: 'b' })];
    await clientOf(a).get('k');
    await clientOf(b, 'b').get('k');
    expect(await countedCommands(registry, 'get')).toBe(2);
    const up = async () =>
      [...(await scrape(registry))].filter(([name]) => name.startsWith('redis_connection_up'));
    expect(await up()).toEqual([
      ['redis_connection_up{connection="default"}', 1],
      ['redis_connection_up{connection="b"}', 1],
    ]);
    await a.close();
    await clientOf(b, 'b').get('k');
    expect(await up()).toEqual([['redis_connection_up{connection="b"}', 1]]);
    expect(await countedCommands(registry, 'get')).toBe(3);
  });

  it('counts each in its own registry', async () => {
    const other = new Registry();
    const [a, b] = [await open(), await openMetricsApp(other, { url: server.url })];
    apps.push(b);
    await clientOf(a).get('k');
    await Promise.all([clientOf(b).get('k'), clientOf(b).get('k')]);
    expect(await countedCommands(registry, 'get')).toBe(1);
    expect(await countedCommands(other, 'get')).toBe(2);
    await b.close();
    expect(other.getMetricsAsArray()).toEqual([]);
    expect(await countedCommands(registry, 'get')).toBe(1);
  });

  it('leaves nothing in the registry when the boot fails', async () => {
    const error = await caught(
      openMetricsApp(registry, { host: '127.0.0.1', port: 1, startupTimeout: '200ms' }),
    );
    expect(error.name).toBe('RedisConnectionException');
    expect(registry.getMetricsAsArray()).toEqual([]);
  });
});
