import type { INestApplication, Provider, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import http from 'node:http';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import type { AddressInfo } from 'node:net';
import { Module } from '@nestjs/common';
import { RedisModule, type RedisModuleOptions, type UnnamedCacheOptions } from 'nestjs-redis-data';

export type Adapter = 'express' | 'fastify';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  /** `X-Cache`. */
  readonly cache: string | undefined;
}

export interface HttpApp {
  readonly nest: INestApplication;
  request(
    path: string,
    headers?: Readonly<Record<string, string>>,
    method?: string,
  ): Promise<Answer>;
  close(): Promise<void>;
}

interface Parts {
  readonly adapter: Adapter;
  readonly controllers: Type[];
  readonly redis: RedisModuleOptions;
  readonly providers?: Provider[];
  /** By their names. */
  readonly caches?: Readonly<Record<string, UnnamedCacheOptions>>;
  /** Before it listens. */
  readonly prepare?: (nest: INestApplication) => unknown;
}

/** An application of these controllers that listens on a port of its own. */
export async function serve({
  adapter,
  controllers,
  redis,
  providers = [],
  caches = {},
  prepare,
}: Parts): Promise<HttpApp> {
  @Module({
    imports: [
      // A busy machine is no outage.
      RedisModule.forRoot({ startup: 'wait', ...redis, cache: { timeout: '5s', ...redis.cache } }),
      ...Object.entries(caches).map(([name, own]) =>
        RedisModule.forCache(name, { timeout: '5s', ...own }),
      ),
    ],
    controllers,
    providers,
  })
  class AppModule {}
  const nest = await NestFactory.create(
    AppModule,
    adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
    { logger: false, abortOnError: false },
  );
  prepare?.(nest);
  await nest.listen(0, '127.0.0.1');
  const { port } = (nest.getHttpServer() as http.Server).address() as AddressInfo;
  return {
    nest,
    request: (path, headers = {}, method = 'GET') => request(port, method, path, headers),
    close: () => nest.close(),
  };
}

/** With `node:http`, because `fetch` keeps some headers to itself. */
async function request(
  port: number,
  method: string,
  path: string,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  const outgoing = http.request({
    agent: false,
    host: '127.0.0.1',
    port,
    method,
    path,
    headers: { connection: 'close', ...headers },
  });
  outgoing.end();
  const [response] = (await once(outgoing, 'response')) as [http.IncomingMessage];
  const known = response.headers as Record<string, string | undefined>;
  return {
    status: response.statusCode ?? 0,
    headers: known,
    text: await text(response),
    cache: known['x-cache'],
  };
}
