import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { Redis } from 'ioredis';

import { RedisServerModule } from '../apps/users/src/redis/redis-server.module.js';
import { describeWithRealRedis } from './support/real-redis.js';
import { eventually } from './support/time.js';
import { startUsersApp, type UsersApp } from './users-app.js';

describeWithRealRedis('the health of the users API', () => {
  let server: RedisTestServer;
  let app: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
    app = await startUsersApp({ REDIS_URL: server.url, REDIS_STARTUP: 'require' });
  });

  afterEach(() => {
    server.thaw();
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  it('is degraded, and still ready, while Redis is nearly full', async () => {
    const redis = new Redis(server.url);
    await redis.config('SET', 'maxmemory', '100kb');
    for (const path of ['/health', '/health/ready']) {
      expect(await app.request('GET', path)).toMatchObject({
        status: 200,
        json: {
          status: 'degraded',
          info: { redis: { status: 'degraded', reasons: ['the memory is nearly full'] } },
        },
      });
    }
    await redis.config('SET', 'maxmemory', '0');
    redis.disconnect();
    expect(await app.request('GET', '/health/ready')).toMatchObject({ json: { status: 'ok' } });
  });

  it('is not ready while Redis is frozen, and alive all the time', async () => {
    server.freeze();
    const ready = app.request('GET', '/health/ready');
    const live = await app.request('GET', '/health/live');
    expect(live).toMatchObject({ status: 200, json: { status: 'ok' } });
    expect(await ready).toMatchObject({
      status: 503,
      json: { details: { redis: { status: 'down', message: 'no answer in time' } } },
    });
    server.thaw();
    await eventually(async () => {
      expect((await app.request('GET', '/health/ready')).status).toBe(200);
    });
  });

  it('is not ready once it has begun to stop, for as long as it can be asked', async () => {
    const stopping = await startUsersApp({ REDIS_URL: server.url, REDIS_STARTUP: 'require' });
    expect((await stopping.request('GET', '/health/ready')).status).toBe(200);
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    // The last hook before the server stops to listen: those of global modules run last.
    Object.assign(stopping.nest.get(RedisServerModule), { beforeApplicationShutdown: () => held });
    const closing = stopping.close();
    await eventually(async () => {
      expect(await stopping.request('GET', '/health/ready')).toMatchObject({
        status: 503,
        json: { status: 'shutting_down', details: { redis: { status: 'up' } } },
      });
    });
    expect((await stopping.request('GET', '/health/live')).status).toBe(200);
    release();
    await closing;
    await expect(stopping.request('GET', '/health/ready')).rejects.toMatchObject({
      code: 'ECONNREFUSED',
    });
  });
});
