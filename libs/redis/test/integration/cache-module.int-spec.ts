import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule, type TestingModuleBuilder } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  getRedisCacheToken,
  getRedisToken,
  InjectRedisCache,
  jsonSerializer,
  RedisCache,
  RedisModule,
  type RedisModuleAsyncOptions,
  type RedisModuleOptions,
} from 'nestjs-redis-data';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';
import { startFaultProxy, startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { Telemetry } from '../../src/telemetry/telemetry.js';
import { caught } from './support/caught.js';

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const apps: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

type Imports = NonNullable<RedisModuleAsyncOptions['imports']>;

async function boot(
  imports: Imports,
  change: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
) {
  const app = await change(Test.createTestingModule({ imports })).compile();
  await app.init();
  apps.push(app);
  return app;
}

const cacheOf = (app: TestingModule, name?: string) =>
  app.get<RedisCache>(getRedisCacheToken(name), { strict: false });

const options = (app: string, more: RedisModuleOptions = {}) => ({
  url: server.url,
  app,
  environment: 'test',
  ...more,
  cache: { timeout: '5s' as const, ...more.cache }, // a busy machine is no outage
});

describe('the caches of RedisModule', () => {
  it('are injectable with their connection, by decorator and by class', async () => {
    @Injectable()
    class Reports {
      constructor(
        @InjectRedisCache() readonly cache: RedisCache,
        readonly byClass: RedisCache,
      ) {}
    }
    @Module({ providers: [Reports] })
    class ReportsModule {}
    const app = await boot([RedisModule.forRoot(options('m1')), ReportsModule]);
    const { cache, byClass } = app.get(Reports, { strict: false });
    expect(cache).toBe(byClass);
    await cache.set(['post', 5], { title: 'Hello' });
    expect(await cache.get(['post', 5])).toEqual({ title: 'Hello' });
    const client = app.get<Redis>(getRedisToken(), { strict: false });
    expect(await client.exists('cache:m1:test:post:5')).toBe(1);
  });

  it('are announced with the name by which they are injected, and with their connection', async () => {
    const app = await boot([
      RedisModule.forRoot(options('m14')),
      RedisModule.forRoot({ name: 'quiet', ...options('m14') }),
      RedisModule.forCache('posts', {}, 'quiet'),
    ]);
    const announced: string[][] = [];
    app.get(Telemetry, { strict: false }).subscribe({
      'cache.request': ({ connection, cache }) => announced.push([connection, cache]),
    });
    for (const name of [undefined, 'quiet', 'posts']) {
      await cacheOf(app, name).getOrLoad(`key of ${name ?? 'default'}`, () => 1);
    }
    expect(announced).toEqual([
      ['default', 'default'],
      ['quiet', 'quiet'],
      ['quiet', 'posts'],
    ]);
  });

  it('have names: the one of a connection its name, others those of forCache, with separate keys', async () => {
    const app = await boot([
      RedisModule.forRoot(options('m2')),
      RedisModule.forRootAsync({
        name: 'sessions',
        useFactory: () => options('m2', { environment: 'sessions' }),
      }),
      RedisModule.forCache('reports', { ttl: '1d' }),
      RedisModule.forCache('carts', {}, 'sessions'),
    ]);
    await cacheOf(app).set(['a'], 1);
    await cacheOf(app, 'sessions').set(['a'], 2);
    await cacheOf(app, 'reports').set(['a'], 3);
    await cacheOf(app, 'carts').set(['a'], 4);
    const client = app.get<Redis>(getRedisToken(), { strict: false });
    expect((await client.keys('cache:m2:*')).sort()).toEqual([
      'cache:m2:sessions:a',
      'cache:m2:sessions:carts:a',
      'cache:m2:test:a',
      'cache:m2:test:reports:a',
    ]);
  });

  it.each<[string, RedisModuleOptions, string, object, number]>([
    ["the connection's defaultTtl", { defaultTtl: '10m' }, 'default', {}, 600_000],
    [
      "the connection's cache options",
      { defaultTtl: '10m', cache: { ttl: '5m' } },
      'default',
      {},
      300_000,
    ],
    [
      'the ttl of the connection, also in a named cache',
      { cache: { ttl: '5m' } },
      'named',
      {},
      300_000,
    ],
    ['the ttl of the cache first', { cache: { ttl: '5m' } }, 'named', { ttl: '2m' }, 120_000],
    [
      'the ttl of the connection if its own is undefined',
      { cache: { ttl: '5m' } },
      'named',
      { ttl: undefined },
      300_000,
    ],
    ['an hour if nothing expires by default', { defaultTtl: 'forever' }, 'default', {}, 3_600_000],
  ])('keep entries for %s', async (_, connection, name, own, ttlMs) => {
    const space = `ttl${Math.random().toString(36).slice(2)}`;
    const cache = { jitter: 0, ...connection.cache };
    const app = await boot([
      RedisModule.forRoot(options(space, { ...connection, cache })),
      RedisModule.forCache('named', own),
    ]);
    await cacheOf(app, name).set(['x'], 1);
    const client = app.get<Redis>(getRedisToken(), { strict: false });
    const [key = ''] = await client.keys(`cache:${space}:*`);
    const left = await client.pttl(key);
    expect(left).toBeGreaterThan(ttlMs - 5_000);
    expect(left).toBeLessThanOrEqual(ttlMs);
  });

  it('use the serializer of the connection, or their own', async () => {
    const app = await boot([
      RedisModule.forRoot(options('m15', { cache: { serializer: msgpackSerializer } })),
      RedisModule.forCache('reports', {}),
      RedisModule.forCache('texts', { serializer: jsonSerializer }),
    ]);
    for (const name of ['default', 'reports']) {
      await cacheOf(app, name).set('x', new Date(5));
      expect(await cacheOf(app, name).get('x')).toEqual(new Date(5));
    }
    const client = app.get<Redis>(getRedisToken(), { strict: false });
    await cacheOf(app, 'texts').set('x', { a: 1 });
    expect(await client.get('cache:m15:test:texts:x')).toMatch(/\{"a":1\}$/);
    const nameless = boot([
      RedisModule.forRoot(options('m15', { cache: { serializer: {} as never } })),
    ]);
    expect((await caught(nameless)).message).toMatch(/serializer=.*with a name/);
  });

  it('can be used in every module after one declaration', async () => {
    @Injectable()
    class Consumer {
      constructor(@InjectRedisCache('reports') readonly cache: RedisCache) {}
    }
    @Module({ imports: [RedisModule.forCache('reports')] })
    class DeclaringModule {}
    @Module({ providers: [Consumer] })
    class OtherModule {}
    const app = await boot([RedisModule.forRoot(options('m4')), DeclaringModule, OtherModule]);
    expect(app.get(Consumer, { strict: false }).cache).toBe(cacheOf(app, 'reports'));
  });

  it.each<[string, () => Imports]>([
    ['two caches', () => [RedisModule.forCache('x'), RedisModule.forCache('x', { ttl: '1m' })]],
    ['a cache and the default connection', () => [RedisModule.forCache('default')]],
    [
      'a cache and a connection',
      () => [RedisModule.forRoot({ ...options('m5'), name: 'x' }), RedisModule.forCache('x')],
    ],
  ])('refuse one name for %s', async (_, imports) => {
    const error = await caught(boot([RedisModule.forRoot(options('m5')), ...imports()]));
    expect(error.name).toBe('RedisConfigurationException');
    expect(error.message).toMatch(/a name that no other cache and no connection/);
  });

  it.each(['5m', null, 3])('refuse %p for the options of a cache', async (cache) => {
    const booting = boot([RedisModule.forRoot({ ...options('m6'), cache: cache as never })]);
    expect((await caught(booting)).message).toMatch(/cache=.*: options of a cache/);
  });

  it('open no socket if a test replaces the client', async () => {
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const app = await boot([RedisModule.forRoot({ host, port }), RedisModule.forCache('x')], (b) =>
      b.overrideProvider(getRedisToken()).useValue({}),
    );
    expect(cacheOf(app)).toBeInstanceOf(RedisCache);
    expect(proxy.accepted).toBe(0);
  });

  it('are closed before their connection, which is closed even if they fail to', async () => {
    const app = await boot([RedisModule.forRoot(options('m7')), RedisModule.forCache('x')]);
    const client = app.get<Redis>(getRedisToken(), { strict: false });
    const seen: string[] = [];
    for (const name of ['default', 'x']) {
      jest.spyOn(cacheOf(app, name), 'close').mockImplementation(async () => {
        seen.push(`${name}: ${await client.ping()}`);
        if (name === 'x') throw new Error('cannot close');
        return 0;
      });
    }
    apps.splice(0);
    await app.close().catch(() => undefined);
    expect(seen.sort()).toEqual(['default: PONG', 'x: PONG']);
    expect(client.status).toBe('end');
  });

  it('of two applications in one process do not disturb each other', async () => {
    const imports = () => [RedisModule.forRoot(options('m8')), RedisModule.forCache('x')];
    const [a, b] = [await boot(imports()), await boot(imports())];
    await cacheOf(a, 'x').set(['k'], 1);
    await a.close();
    expect(await cacheOf(b, 'x').get(['k'])).toBe(1);
  });
});
