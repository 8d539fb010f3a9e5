/**
 * An application that only caches: class-validator, class-transformer and @nestjs/config are not installed
 * beside it. What needs them says which line installs them.
 */
import 'reflect-metadata';
import { Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  EntityId,
  RedisCache,
  redisConfig,
  RedisConfigurationException,
  RedisEntity,
  RedisModule,
  redisOptionsFromEnvironment,
} from 'nestjs-redis-data';

@Injectable()
class Reports {
  constructor(readonly cache: RedisCache) {}
}

@Module({
  imports: [RedisModule.forRoot(redisOptionsFromEnvironment(process.env))],
  providers: [Reports],
})
class AppModule {}

@RedisEntity({ kind: 'user' })
class User {
  @EntityId() id!: string;
}

export async function check(): Promise<object> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  try {
    const { cache } = app.get(Reports);
    const load = (): Promise<number> => Promise.resolve(1);
    return {
      cache: await cache.getOrLoad(['rows', process.pid], load, { ttl: '5m' }),
      refused: [
        problemsOf(() => RedisModule.forFeature([User])),
        problemsOf(() => redisConfig.asProvider()),
      ],
    };
  } finally {
    await app.close();
  }
}

function problemsOf(use: () => unknown): readonly string[] {
  try {
    use();
    return ['nothing'];
  } catch (error) {
    if (!(error instanceof RedisConfigurationException)) throw error;
    return error.problems.map(({ setting, accepted }) => `${setting}: ${accepted.split(': ')[1]}`);
  }
}
