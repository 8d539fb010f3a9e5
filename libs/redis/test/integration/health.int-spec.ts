import { Controller, Get, Module, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { HealthCheckService, TerminusModule } from '@nestjs/terminus';
import { afterEach, describe, expect, it } from '@jest/globals';
import { getRedisToken, RedisModule, type RedisModuleOptions } from 'nestjs-redis-data';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import type { Redis } from 'ioredis';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function serve(options: RedisModuleOptions): Promise<INestApplication> {
  @Controller('health')
  class HealthController {
    constructor(
      private readonly health: HealthCheckService,
      private readonly redis: RedisHealthIndicator,
    ) {}
    @Get()
    check() {
      return this.health.check([
        () => this.redis.isHealthy(),
        () => this.redis.isHealthy('sessions', { connection: 'sessions', timeout: '900ms' }),
      ]);
    }
  }
  @Module({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      RedisModule.forRoot(options),
      RedisModule.forRoot({ ...options, name: 'sessions' }),
    ],
    controllers: [HealthController],
    providers: [RedisHealthIndicator],
  })
  class AppModule {}
  const app = await NestFactory.create(AppModule, new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  cleanups.push(() => app.close());
  return app;
}
async function start(): Promise<RedisTestServer> {
  const server = await startRedis();
  cleanups.push(() => server.stop());
  return server;
}
async function health(app: INestApplication) {
  const response = await fetch(`${await app.getUrl()}/health`);
  return { status: response.status, body: (await response.json()) as { details: object } };
}

describe('RedisHealthIndicator', () => {
  it('is up for each connection by name, and opens no connection of its own', async () => {
    const server = await start();
    const app = await serve({ url: server.url, startup: 'require' });
    const redis = app.get<Redis>(getRedisToken(), { strict: false });
    const connections = async () =>
      String(await redis.client('LIST'))
        .trim()
        .split('\n').length;
    const before = await connections();
    for (let i = 0; i < 5; i++) {
      expect(await health(app)).toMatchObject({
        status: 200,
        body: { details: { redis: { status: 'up' }, sessions: { status: 'up' } } },
      });
    }
    expect(await connections()).toBe(before);
  });

  it('is down at once without a connection, and up again with it', async () => {
    const server = await start();
    const app = await serve({ url: server.url, startup: 'require' });
    await server.kill();
    const deadline = Date.now() + 4_000;
    let report = await health(app);
    while (report.status === 200 && Date.now() < deadline) report = await health(app);
    expect(report).toMatchObject({
      status: 503,
      body: { details: { redis: { status: 'down' } } },
    });
    await server.restart();
    while (report.status === 503 && Date.now() < deadline) report = await health(app);
    expect(report.status).toBe(200);
  });
});

describeWithRealRedis('RedisHealthIndicator on a real server', () => {
  it('stays 200 while it is degraded, and names no host', async () => {
    const server = await start();
    const app = await serve({ url: server.url, startup: 'require' });
    await app.get<Redis>(getRedisToken(), { strict: false }).config('SET', 'maxmemory', '100kb');
    const report = await health(app);
    expect(report).toMatchObject({
      status: 200,
      body: {
        status: 'degraded',
        info: { redis: { status: 'degraded' }, sessions: { status: 'degraded' } },
        error: {},
      },
    });
    expect(JSON.stringify(report)).not.toMatch(new RegExp(`127|localhost|${server.port}`));
  });

  it('is down when the ping is not answered in time', async () => {
    const server = await start();
    const app = await serve({ url: server.url, startup: 'require', shutdownTimeout: '100ms' });
    server.freeze();
    cleanups.push(() => {
      server.thaw();
      return Promise.resolve();
    });
    expect(await health(app)).toMatchObject({
      status: 503,
      body: {
        details: {
          redis: { status: 'down', message: 'no answer in time' },
          sessions: { status: 'down', message: 'no answer in time' },
        },
      },
    });
  });
});
