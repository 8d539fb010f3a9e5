import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { afterEach, expect } from '@jest/globals';
import {
  getRedisCacheToken,
  getRedisToken,
  RedisModule,
  type RedisCache,
  type RedisClient,
  type RedisModuleOptions,
} from '../../../src/index.js';
import { RedisHealthIndicator } from '../../../src/health/index.js';
import type { RedisTestServer } from '../../../src/testing/index.js';
import { waitUntil } from '../../../src/testing/wait-until.js';

/** An application whose health a test checks. */
export interface LookedAt {
  readonly indicator: RedisHealthIndicator;
  client(name?: string): RedisClient;
  cache(name: string): RedisCache;
}

/** The servers and applications of a test, which end with it. */
export interface HealthStage {
  /** Keeps something to be stopped after the test. */
  keep<T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T>;
  /** Opens an application with these connections; the first has no name. */
  open(...connections: readonly RedisModuleOptions[]): Promise<LookedAt>;
}

export function useHealthStage(): HealthStage {
  const cleanups: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });
  return {
    async keep(starting) {
      const server = await starting;
      cleanups.push(() => server.stop());
      return server;
    },
    async open(...connections) {
      @Module({
        imports: [
          TerminusModule.forRoot({ logger: false }),
          ...connections.map((options, index) =>
            RedisModule.forRoot({
              startup: 'require',
              shutdownTimeout: '100ms',
              ...options,
              ...(index > 0 && { name: `other-${index}` }),
            }),
          ),
          RedisModule.forCache('reports', { timeout: '50ms', breakerThreshold: 1 }),
        ],
        providers: [RedisHealthIndicator],
      })
      class AppModule {}
      const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
      cleanups.push(() => app.close());
      return {
        indicator: app.get(RedisHealthIndicator),
        client: (name) => app.get<RedisClient>(getRedisToken(name), { strict: false }),
        cache: (name) => app.get<RedisCache>(getRedisCacheToken(name), { strict: false }),
      };
    },
  };
}

/** Returns the number of connections that a server has accepted since its start. */
export async function acceptedBy(client: RedisClient): Promise<number> {
  const stats = await client.info('stats');
  return Number(/total_connections_received:(\d+)/.exec(stats)?.[1]);
}

export const addressesOf = (servers: readonly RedisTestServer[]) =>
  servers.map(({ host, port }) => ({ host, port }));

/** Waits until the entry of the report matches, and returns it. */
export async function untilReport(looked: LookedAt, expected: object): Promise<object | undefined> {
  let report: object | undefined;
  await waitUntil(`the report is ${JSON.stringify(expected)}`, async () => {
    report = (await looked.indicator.isHealthy('redis', { timeout: '300ms' }))['redis'];
    expect(report).toMatchObject(expected);
    return true;
  });
  return report;
}
