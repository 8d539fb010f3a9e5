/**
 * @module redis Finds the Redis that the application uses, and stops the one that it started itself.
 */
import type { OnApplicationShutdown } from '@nestjs/common';
import { Global, Inject, Logger, Module } from '@nestjs/common';
import { redisConfig } from 'nestjs-redis-data';
import type { ResolvedRedis } from 'nestjs-redis-data/embedded';
import { resolveRedis } from 'nestjs-redis-data/embedded';

/** The Redis that was configured, found or started for this application. */
export const RESOLVED_REDIS = Symbol('RESOLVED_REDIS');

/**
 * Starts a Redis on machines that have none, so that `npm start` works anywhere. An application that always
 * has `REDIS_URL` set does not need this module.
 *
 * Import it before `RedisModule`, so that the server outlives the clients: Nest runs the shutdown hooks of
 * global modules last, in the reverse order of their registration.
 */
@Global()
@Module({
  providers: [
    {
      provide: RESOLVED_REDIS,
      // Only for the order: a wrong configuration must be reported before a server is started.
      inject: [redisConfig.KEY],
      useFactory: () => resolveRedis(process.env),
    },
  ],
  exports: [RESOLVED_REDIS],
})
export class RedisServerModule implements OnApplicationShutdown {
  readonly #redis: ResolvedRedis;

  constructor(@Inject(RESOLVED_REDIS) redis: ResolvedRedis) {
    this.#redis = redis;
    new Logger('RedisServer').log(redis.description);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#redis.stop();
  }
}
