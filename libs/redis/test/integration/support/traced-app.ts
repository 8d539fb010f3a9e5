import { Controller, Get, Module, Param, type INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Redis } from 'ioredis';
import { getRedisToken, RedisCache, RedisModule } from '../../../src/index.js';
import { RedisTracingModule } from '../../../src/tracing/index.js';

/** An application whose users are in a hash of Redis, and cached. @returns its port */
export async function serveTraced(url: string): Promise<{ nest: INestApplication; port: number }> {
  @Controller('users')
  class UsersController {
    constructor(private readonly cache: RedisCache) {}

    @Get(':id')
    find(@Param('id') id: string) {
      const client = nest.get<Redis>(getRedisToken(), { strict: false });
      return this.cache.getOrLoad(['user', id], () => client.hgetall(id));
    }
  }

  @Module({
    imports: [
      RedisModule.forRoot({
        url,
        app: 'traced',
        environment: 'test',
        startup: 'require',
        cache: { timeout: '5s' },
      }),
      RedisTracingModule,
    ],
    controllers: [UsersController],
  })
  class AppModule {}

  const nest = await NestFactory.create(AppModule, new ExpressAdapter(), {
    logger: ['error'],
    abortOnError: false,
  });
  await nest.listen(0, '127.0.0.1');
  const { port } = (nest.getHttpServer() as Server).address() as AddressInfo;
  return { nest, port };
}
