/** The small application once more, with a cache that is traced: see tracing.smoke-spec.ts. */
import 'reflect-metadata';
import { trace } from '@opentelemetry/api';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { Redis } from 'ioredis';
import { getRedisToken, RedisCache, RedisModule } from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';
import { RedisTracingModule } from 'nestjs-redis-data/tracing';

async function main(): Promise<void> {
  const server = await startRedis();

  @Module({
    imports: [RedisModule.forRoot({ url: server.url, startup: 'require' }), RedisTracingModule],
  })
  class TracedModule {}

  const app = await NestFactory.createApplicationContext(TracedModule, { logger: ['error'] });
  const redis = app.get<Redis>(getRedisToken());
  const cache = app.get(RedisCache);
  await trace.getTracer('consumer').startActiveSpan('request', async (span) => {
    await cache.getOrLoad('greeting', () => redis.hgetall('greeting'));
    span.end();
  });
  await app.close();
  await server.stop();
}

void main();
