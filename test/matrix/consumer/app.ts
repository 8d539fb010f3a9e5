/**
 * An application of a user, as each cell of the matrix installs, type-checks and runs it: a cached value, a
 * cached route, a repository, health and metrics, and a name of every entry point.
 */
import 'reflect-metadata';
import { Controller, Get, Injectable, Module, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { IsDate, IsEmail } from 'class-validator';
import { Type } from 'class-transformer';
import { ConfigModule } from '@nestjs/config';
import type { Redis } from 'ioredis';
import {
  CacheTTL,
  EntityId,
  getRedisToken,
  Indexed,
  InjectRedisRepository,
  RedisCache,
  RedisCacheInterceptor,
  redisConfig,
  RedisEntity,
  RedisModule,
  RedisRepository,
  RedisValidationException,
} from 'nestjs-redis-data';
import { resolveRedis } from 'nestjs-redis-data/embedded';
import { RedisHealthIndicator } from 'nestjs-redis-data/health';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { RedisTracingModule } from 'nestjs-redis-data/tracing';
import { register } from 'prom-client';

@RedisEntity({ kind: 'user', ttl: '1h' })
class User {
  @EntityId() id!: string;
  @IsEmail() @Indexed({ unique: true }) email!: string;
  @IsDate() @Type(() => Date) createdAt!: Date;
}

@Injectable()
class Users {
  constructor(
    @InjectRedisRepository(User) readonly stored: RedisRepository<User>,
    readonly cache: RedisCache,
  ) {}
}

@Controller('time')
@UseInterceptors(RedisCacheInterceptor)
class TimeController {
  @Get()
  @CacheTTL('5m')
  now(): object {
    return { now: process.hrtime.bigint().toString() };
  }
}

@Module({
  imports: [
    ConfigModule.forRoot({ isGlobal: true, load: [redisConfig], ignoreEnvFile: true }),
    RedisModule.forRootAsync({ inject: [redisConfig.KEY], useFactory: (config: object) => config }),
    RedisModule.forFeature([User]),
    RedisMetricsModule,
    TerminusModule,
  ],
  controllers: [TimeController],
  providers: [Users, RedisHealthIndicator],
})
class AppModule {}

/** What the entry points that are not used here export. */
export const others: readonly string[] = [
  typeof resolveRedis,
  typeof startRedis,
  typeof RedisTracingModule,
  typeof msgpackSerializer,
];
export type Others = RedisTestServer;

/** Boots the application on the Redis of `REDIS_URL`, uses it, closes it, and says what it saw. */
export async function check(): Promise<object> {
  const app = await NestFactory.create(AppModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const users = app.get(Users);
  await app.get<Redis>(getRedisToken()).flushdb();
  try {
    await users.stored.save({ id: '1', email: 'ada@example.com', createdAt: new Date(5) });
    const found = await users.stored.findOneBy({ email: 'ada@example.com' });
    const refused: unknown = await users.stored
      .save({ id: '2', email: 'none', createdAt: new Date(5) })
      .catch((error: unknown) => error);
    const load = (): Promise<string> => Promise.resolve('Ada');
    const serializer = msgpackSerializer;
    await users.cache.getOrLoad(['name', 1], load, { ttl: '5m', serializer });
    const url = `${await app.getUrl()}/time`;
    const responses = [await fetch(url), await fetch(url)];
    const health = await app.get(RedisHealthIndicator).isHealthy();
    return {
      repository: found instanceof User && found.createdAt.getTime() === 5,
      validation: refused instanceof RedisValidationException,
      cache: (await users.cache.get(['name', 1], { serializer })) ?? 'nothing',
      route: responses.map(({ headers }) => headers.get('x-cache')),
      health: Object.values(health).map(({ status }) => status),
      metrics: /redis_command\w+\{[^}]*command="/.test(await register.metrics()),
      others,
    };
  } finally {
    await app.close();
  }
}
