import {
  Injectable,
  Module,
  type DynamicModule,
  type INestApplicationContext,
  type OnModuleInit,
  type Provider,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import type { Redis } from 'ioredis';
import { RedisHealthIndicator } from '../../../src/health/index.js';
import {
  getRedisToken,
  RedisCache,
  RedisModule,
  RedisPool,
  type RedisModuleOptions,
} from '../../../src/index.js';
import { RedisMetricsModule } from '../../../src/metrics/index.js';

type Boot = (options: RedisModuleOptions) => Promise<unknown>;

function boot(
  options: RedisModuleOptions,
  providers: Provider[],
  imports: DynamicModule[] = [],
): Promise<INestApplicationContext> {
  @Module({ imports: [RedisModule.forRoot(options), ...imports], providers })
  class AppModule {}
  return NestFactory.createApplicationContext(AppModule, { logger: false, abortOnError: false });
}

/** A provider that fails after it has done this with the client. */
const failingAfter = (work: (redis: Redis) => Promise<unknown>): Provider => ({
  provide: 'failing',
  inject: [getRedisToken()],
  useFactory: async (redis: Redis) => {
    await work(redis);
    throw new Error('another provider failed');
  },
});

@Injectable()
class FailingInit implements OnModuleInit {
  onModuleInit(): void {
    throw new Error('another provider failed');
  }
}

/** How an application can boot, or fail to. */
export const SCENARIOS: Record<string, Boot> = {
  'a provider fails': (options) => boot(options, [failingAfter((redis) => redis.ping())]),
  'onModuleInit fails': (options) => boot(options, [FailingInit]),
  'a provider fails after everything was used': (options) =>
    boot(
      options,
      [
        RedisHealthIndicator,
        {
          provide: 'failing',
          inject: [RedisCache, RedisPool, RedisHealthIndicator, getRedisToken()],
          useFactory: async (
            cache: RedisCache,
            pool: RedisPool,
            health: RedisHealthIndicator,
            redis: Redis,
          ) => {
            await cache.getOrLoad('key', () => Promise.resolve(1));
            await pool.use((client) => client.ping());
            await health.checkAll();
            await redis.subscribe('channel');
            throw new Error('another provider failed');
          },
        },
      ],
      [TerminusModule.forRoot(), RedisMetricsModule.forRoot()],
    ),
  'a provider waits for Redis': async (options) => {
    const provider = {
      provide: 'late',
      inject: [getRedisToken()],
      useFactory: (redis: Redis) => redis.blpop('nothing comes', 1),
    };
    const app = await boot(options, [provider]);
    await app.close();
    return 'late';
  },
  'the application stays up': async (options) => {
    const app = await boot(options, []);
    process.once('SIGTERM', () => void app.close());
    return 'up';
  },
};
