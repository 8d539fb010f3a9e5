import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { Registry } from 'prom-client';
import {
  getRedisToken,
  RedisBatch,
  RedisCache,
  RedisModule,
  RedisPool,
  type RedisClient,
  type RedisModuleOptions,
} from '../../../src/index.js';
import { RedisHealthIndicator } from '../../../src/health/index.js';
import { RedisMetricsModule } from '../../../src/metrics/index.js';
import { startRecordingProxy, type RecordingProxy } from './recording-proxy.js';

/**
 * Opens an application and has it send something over every kind of connection that it makes: the shared
 * one, dedicated ones, subscribers, those of health and metrics, and duplicates.
 */
export async function useEveryConnection(options: RedisModuleOptions): Promise<void> {
  const registry = new Registry();
  @Module({
    imports: [
      TerminusModule.forRoot({ logger: false }),
      RedisMetricsModule.forRoot({ registry }),
      RedisModule.forRoot({ startup: 'require', ...options }),
    ],
    providers: [RedisHealthIndicator],
  })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, {
    logger: false,
    abortOnError: false,
  });
  try {
    const client = app.get<RedisClient>(getRedisToken());
    const pool = app.get(RedisPool);
    const keys = Array.from({ length: 30 }, (_, i) => `key:${i}`);
    const batch = app.get(RedisBatch);
    await batch.setAll(Object.fromEntries(keys.map((key) => [key, 'value'])));
    await batch.getAll(keys);
    await Promise.all(keys.map((key) => client.get(key)));
    await app.get(RedisCache).getOrLoad('entry', () => 'loaded', { tags: ['tag'] });
    await pool.use(async (dedicated) => {
      await dedicated.watch('key:1');
      await dedicated.multi().get('key:1').exec();
    });
    await pool.use((dedicated) => dedicated.blpop('nothing', 0.01));
    await pool.use((dedicated) => dedicated.subscribe('channel'));
    const duplicate = 'nodes' in client ? client.duplicate() : client.duplicate();
    await duplicate.subscribe('channel');
    await duplicate.quit();
    await app.get(RedisHealthIndicator).isHealthy('redis');
    await registry.metrics();
  } finally {
    await app.close();
  }
}

/**
 * A recording proxy for each server, and what makes ioredis use them by a name (`natMap`).
 *
 * @param host by which the servers are known
 */
export async function recordAll(
  servers: readonly { readonly host: string; readonly port: number }[],
  host = '127.0.0.1',
) {
  const proxies = await Promise.all(servers.map((server) => startRecordingProxy(server)));
  const natMap = Object.fromEntries(
    proxies.map((proxy) => [
      `${host}:${proxy.target.port}`,
      { host: 'localhost', port: proxy.port },
    ]),
  );
  return { proxies, natMap, stop: () => Promise.all(proxies.map((proxy) => proxy.stop())) };
}

/** Returns the bytes sent to each of these proxies; fails if one got no bytes. */
export function sentTo(proxies: readonly RecordingProxy[]): Buffer[] {
  const silent = proxies.filter(({ sent }) => sent.every((bytes) => bytes.length === 0));
  if (silent.length > 0) throw new Error(`${silent.length} hops were not used`);
  return proxies.flatMap(({ sent }) => sent);
}
