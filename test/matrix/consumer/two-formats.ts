/** An application whose library has the other module format: both must mean the same classes. */
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import {
  RedisCache,
  RedisException,
  RedisInvalidKeyException,
  RedisModule,
  redisOptionsFromEnvironment,
} from 'nestjs-redis-data';
import { invalidKey, isFailureOfRedis, Reports, ReportsModule, reportsWith } from 'reports-library';

@Module({
  imports: [RedisModule.forRoot(redisOptionsFromEnvironment(process.env)), ReportsModule],
})
class AppModule {}

export async function check(): Promise<object> {
  const app = await NestFactory.createApplicationContext(AppModule, { logger: ['error'] });
  try {
    const cache = app.get(RedisCache);
    return {
      injected: await app.get(Reports).of(2026),
      given: await reportsWith(cache).of(2026), // also to the compiler, the classes are the same
      recognized: isFailureOfRedis(new RedisInvalidKeyException('key', 'made by the application')),
      recognizes: invalidKey() instanceof RedisException,
    };
  } finally {
    await app.close();
  }
}
