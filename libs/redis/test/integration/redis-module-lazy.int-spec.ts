import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { Inject, Injectable, Module, Scope, type Type } from '@nestjs/common';
import { LazyModuleLoader, REQUEST, type ModuleRef } from '@nestjs/core';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  getRedisToken,
  RedisCache,
  RedisModule,
  RedisPool,
  type RedisModuleAsyncOptions,
  type RedisModuleOptions,
  type RedisOptionsFactory,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { caught } from './support/caught.js';

let server: RedisTestServer;
let portOfNobody: number;
beforeAll(async () => {
  server = await startRedis();
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  portOfNobody = (listener.address() as AddressInfo).port;
  listener.close();
});
afterAll(() => server.stop());

const apps: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

async function boot(...imports: NonNullable<RedisModuleAsyncOptions['imports']>) {
  const app = await Test.createTestingModule({ imports }).compile();
  apps.push(app);
  return app.init();
}

const running = (): RedisModuleOptions => ({ url: server.url, startup: 'require' });
const away = (): RedisModuleOptions => ({
  host: '127.0.0.1',
  port: portOfNobody,
  startup: 'require',
  startupTimeout: '50ms',
});

/** A module that is loaded later, with a connection of its own. */
function lazily(name: string, options: RedisModuleOptions & { name?: string }): Type {
  @Module({ imports: [RedisModule.forRoot({ name, ...options })] })
  class LazyModule {}
  return LazyModule;
}

const load = (app: TestingModule, module: Type) =>
  app.get(LazyModuleLoader, { strict: false }).load(() => module);

function clientIn(loaded: ModuleRef | undefined, name: string): Redis {
  if (!loaded) throw new Error('nothing was loaded');
  return loaded.get<Redis>(getRedisToken(name), { strict: false });
}

describe('A module that is loaded later', () => {
  it('fails alone if its Redis is down, and can be loaded once Redis is up', async () => {
    const app = await boot(RedisModule.forRoot(running()));
    const redis = app.get<Redis>(getRedisToken(), { strict: false });
    const pool = app.get(RedisPool, { strict: false });
    const cache = app.get(RedisCache, { strict: false });

    const error = await caught(load(app, lazily('lazy', away())));

    expect(error.name).toBe('RedisConnectionException');
    expect(await redis.ping()).toBe('PONG');
    expect(await pool.use((client) => client.ping())).toBe('PONG');
    await cache.set('k', 1);
    expect(await cache.get('k')).toBe(1);

    const loaded = await load(app, lazily('lazy', running()));
    expect(await clientIn(loaded, 'lazy').ping()).toBe('PONG');
  });

  it.each<[string, RedisModuleOptions & { name?: string }]>([
    ['of wrong options', { port: -1 }],
    ['of wrong options of its cache', { cache: { ttl: 'soon' as '1s' } }],
    ['its name is taken', { name: 'default' }],
  ])('fails alone because %s', async (_, options) => {
    const app = await boot(RedisModule.forRoot(running()));
    const redis = app.get<Redis>(getRedisToken(), { strict: false });
    const error = await caught(load(app, lazily('lazy', options)));
    expect(error.name).toBe('RedisConfigurationException');
    expect(await redis.ping()).toBe('PONG');
  });

  it('fails alone beside one that is loading', async () => {
    const app = await boot(RedisModule.forRoot(running()));
    const [good, bad] = await Promise.allSettled([
      load(app, lazily('good', running())),
      load(app, lazily('bad', { port: -1 })),
    ]);
    expect([good.status, bad.status]).toEqual(['fulfilled', 'rejected']);
    const loaded = good.status === 'fulfilled' ? good.value : undefined;
    expect(await clientIn(loaded, 'good').ping()).toBe('PONG');
  });

  it('fails alone if all connections are loaded later', async () => {
    const app = await boot();
    const redis = clientIn(await load(app, lazily('good', running())), 'good');
    await caught(load(app, lazily('bad', away())));
    expect(await redis.ping()).toBe('PONG');
    await load(app, lazily('another', running()));
  });

  it("connects in the background with startup 'background'", async () => {
    const app = await boot(RedisModule.forRoot(running()));
    const loaded = await load(app, lazily('lazy', { ...running(), startup: 'background' }));
    const redis = clientIn(loaded, 'lazy');
    if (redis.status !== 'ready') await once(redis, 'ready');
    expect(redis.status).toBe('ready');
  });

  it('is closed with the application', async () => {
    const app = await boot(RedisModule.forRoot(running()));
    const redis = clientIn(await load(app, lazily('lazy', running())), 'lazy');
    await apps.pop()?.close();
    expect(redis.status).toBe('end');
  });
});

@Injectable({ scope: Scope.REQUEST })
class OfRequest implements RedisOptionsFactory {
  createRedisOptions(): RedisModuleOptions {
    return running();
  }
}

@Injectable()
class Tenant {
  constructor(@Inject(REQUEST) readonly request: unknown) {}
}

@Module({ providers: [OfRequest, Tenant], exports: [OfRequest, Tenant] })
class TenantModule {}

describe('forRootAsync', () => {
  it.each<[string, string, RedisModuleAsyncOptions]>([
    ['REQUEST', 'REQUEST', { inject: [REQUEST], useFactory: running }],
    [
      'REQUEST, if there is one',
      'REQUEST',
      { inject: [{ token: REQUEST, optional: true }], useFactory: running },
    ],
    [
      'a request-scoped class',
      'OfRequest',
      { imports: [TenantModule], inject: [OfRequest], useFactory: running },
    ],
    [
      'what depends on a request',
      'Tenant',
      { imports: [TenantModule], inject: [Tenant], useFactory: running },
    ],
    ['a request-scoped useClass', 'OfRequest', { useClass: OfRequest }],
    [
      'a request-scoped useExisting',
      'OfRequest',
      { imports: [TenantModule], useExisting: OfRequest },
    ],
    [
      'a request-scoped extra provider',
      'host',
      {
        extraProviders: [{ provide: 'host', scope: Scope.REQUEST, useFactory: () => 'localhost' }],
        inject: ['host'],
        useFactory: running,
      },
    ],
  ])('refuses %s at boot, and opens nothing', async (_, culprit, options) => {
    const other = RedisModule.forRoot({ ...running(), name: 'other' });
    const app = await Test.createTestingModule({
      imports: [other, RedisModule.forRootAsync({ name: 'tenant', ...options })],
    }).compile();
    apps.push(app);
    const redis = app.get<Redis>(getRedisToken('other'), { strict: false });

    const error = await caught(app.init());

    expect(error.name).toBe('RedisConfigurationException');
    expect(error.message).toMatch(
      new RegExp(`forRootAsync: connection "tenant"=${culprit}: .*request scope`),
    );
    expect(redis.status).toBe('end');
  });

  it('accepts a new options object for each provider', async () => {
    const app = await boot(
      RedisModule.forRootAsync({
        extraProviders: [{ provide: 'url', scope: Scope.TRANSIENT, useFactory: () => server.url }],
        inject: ['url'],
        useFactory: (url: string) => ({ url, startup: 'require' }),
      }),
    );
    expect(await app.get<Redis>(getRedisToken(), { strict: false }).ping()).toBe('PONG');
  });
});
