/**
 * A small application of a user: compiled and run against the packed library, once as an ES module
 * and once as CommonJS. It ends by itself unless something is left open.
 */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Redis } from 'ioredis';
import { getRedisToken, KeyBuilder, RedisModule } from 'nestjs-redis-data';
import { resolveRedis } from 'nestjs-redis-data/embedded';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';
import { startRedis } from 'nestjs-redis-data/testing';
import { RedisTracingModule } from 'nestjs-redis-data/tracing';
import { register } from 'prom-client';

async function main(): Promise<void> {
  const server = await startRedis();

  @Module({
    imports: [
      RedisModule.forRootAsync({
        useFactory: () => ({ url: server.url, app: 'consumer', environment: 'smoke' }),
      }),
      RedisMetricsModule,
    ],
  })
  class ConsumerModule {}

  const app = await NestFactory.createApplicationContext(ConsumerModule, { logger: ['error'] });
  const redis = app.get<Redis>(getRedisToken());
  const key = app.get(KeyBuilder).userKey('1');
  await redis.set(key, 'Ada', 'EX', 60);
  const report = {
    key,
    value: await redis.get(key),
    entryPoints: [typeof RedisHealthIndicator, typeof resolveRedis, typeof RedisTracingModule],
    packed: msgpackSerializer.deserialize(
      Buffer.from(msgpackSerializer.serialize({ at: new Date(5) }, key)),
      key,
    ) as unknown,
    counted: (await register.metrics()).includes('command="set",outcome="success"} 1'),
  };
  await app.close();
  await server.stop();
  process.stdout.write(`${JSON.stringify(report)}\n`);
}

void main();
