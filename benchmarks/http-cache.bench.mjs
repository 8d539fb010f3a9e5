/**
 * A cached route on Fastify or Express, by RedisCacheInterceptor and by Nest's own CacheInterceptor, against
 * the same route with a constant in memory. Each server is a separate process; one at a time is under load.
 *
 * Usage: npm run build && node benchmarks/http-cache.bench.mjs [fastify|express]
 */
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { createKeyv } from '@keyv/redis';
import { CacheInterceptor, CacheModule } from '@nestjs/cache-manager';
import { Controller, Get, Param, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import autocannon from 'autocannon';
import { CacheTTL, RedisCacheInterceptor, RedisModule } from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';

const ROUNDS = 5;
const SECONDS = 3;
const CONNECTIONS = 64;
const PAGES = 100;
const POSTS = 10;
const NEAR = { maxBytes: 64 * 2 ** 20, staleness: '500ms' };

/** By name: the modules that a server needs, and what stands on its route. */
const SERVERS = {
  'returns a constant': () => ({ imports: [], decorators: [] }),
  RedisCacheInterceptor: ({ host, port }) => ({
    imports: [RedisModule.forRoot({ host, port, startup: 'require' })],
    decorators: [UseInterceptors(RedisCacheInterceptor), CacheTTL('1h')],
  }),
  'RedisCacheInterceptor, near': ({ host, port }) => ({
    imports: [RedisModule.forRoot({ host, port, startup: 'require', cache: { near: NEAR } })],
    decorators: [UseInterceptors(RedisCacheInterceptor), CacheTTL('1h')],
  }),
  'CacheInterceptor, @keyv/redis': ({ url }) => ({
    imports: [CacheModule.register({ ttl: 3_600_000, stores: [createKeyv(url)] })],
    decorators: [UseInterceptors(CacheInterceptor)],
  }),
  'CacheInterceptor, in memory': () => ({
    imports: [CacheModule.register({ ttl: 3_600_000 })],
    decorators: [UseInterceptors(CacheInterceptor)],
  }),
};

const ADAPTERS = { fastify: FastifyAdapter, express: ExpressAdapter };

const [, , mode = 'fastify', ...rest] = process.argv;
if (mode === 'server') await serve(...rest);
else await compare(mode);

async function compare(adapter) {
  const redis = await startRedis();
  const { host, port, url } = redis;
  const servers = {};
  for (const name of Object.keys(SERVERS))
    servers[name] = await start(adapter, name, { host, port, url });
  const { model } = cpus()[0];
  console.log(
    `${adapter}, ${redis.kind} server, Node ${process.versions.node}, ${cpus().length} x ${model}, ` +
      `${CONNECTIONS} connections, ${PAGES} pages of ${JSON.stringify(page(1)).length} bytes, ` +
      `medians of ${ROUNDS} interleaved rounds of ${SECONDS} s`,
  );
  const results = Object.fromEntries(Object.keys(servers).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, server] of Object.entries(servers)) {
      const result = await load(server);
      if (round > 0) results[name].push(result); // the first round fills the caches, and warms up
    }
  }
  const of = (name, what) => median(results[name].map((result) => result[what]));
  const [base] = Object.keys(servers);
  for (const name of Object.keys(servers)) {
    const rate = of(name, 'rate');
    const cpu = of(name, 'cpu');
    const timesRate = (rate / of(base, 'rate')).toFixed(2);
    const timesCpu = (cpu / of(base, 'cpu')).toFixed(2);
    const row = [name, `${Math.round(rate)}/s`, timesRate, `99% ${of(name, 'p99')} ms`];
    console.log([...row, `${cpu.toFixed(1)} us of CPU`, timesCpu].join(' | '));
  }
  for (const { child } of Object.values(servers)) child.disconnect();
  await redis.stop();
}

async function start(adapter, name, redis) {
  const file = fileURLToPath(import.meta.url);
  const child = fork(file, ['server', adapter, name, JSON.stringify(redis)]);
  const [{ port, calls }] = await once(child, 'message');
  if (calls !== undefined && calls !== 1)
    throw new Error(`${name} called its handler ${calls} times`);
  return { child, port };
}

/**
 * Measures requests per second, and the CPU time of the server per request in microseconds.
 *
 * @throws if one of them fails
 */
async function load({ child, port }) {
  const requests = Array.from({ length: PAGES }, (_, i) => ({ path: `/posts/${i}` }));
  const before = await cpuOf(child);
  const result = await autocannon({
    url: `http://127.0.0.1:${port}`,
    connections: CONNECTIONS,
    duration: SECONDS,
    requests,
  });
  if (result.errors + result.timeouts + result.non2xx > 0) throw new Error('requests have failed');
  const cpu = ((await cpuOf(child)) - before) / result.requests.total;
  return { rate: result.requests.average, p99: result.latency.p99, cpu };
}

async function cpuOf(child) {
  child.send('cpu');
  const [cpu] = await once(child, 'message');
  return cpu;
}

async function serve(adapter, name, redis) {
  const { imports, decorators } = SERVERS[name](JSON.parse(redis));
  let calls = 0;
  class PostsController {
    find(id) {
      calls++;
      return pages[id];
    }
  }
  const pages = Array.from({ length: PAGES }, (_, i) => page(i));
  Controller('posts')(PostsController);
  Param('id')(PostsController.prototype, 'find', 0);
  const descriptor = Object.getOwnPropertyDescriptor(PostsController.prototype, 'find');
  for (const decorate of [Get(':id'), ...decorators]) {
    decorate(PostsController.prototype, 'find', descriptor);
  }
  const app = await NestFactory.create(
    { module: class AppModule {}, imports, controllers: [PostsController] },
    new ADAPTERS[adapter](),
    { logger: false },
  );
  await app.listen(0, '127.0.0.1');
  const { port } = app.getHttpServer().address();
  for (let i = 0; i < 2; i++) {
    const answer = await fetch(`http://127.0.0.1:${port}/posts/0`);
    const body = await answer.text();
    if (body !== JSON.stringify(page(0))) throw new Error(`${name} answers something else`);
  }
  process.on('message', () => {
    const { user, system } = process.cpuUsage();
    process.send(user + system);
  });
  process.on('disconnect', () => process.exit());
  process.send({ port, ...(decorators.length > 0 && { calls }) });
}

/** About 1 KB of JSON. */
function page(number) {
  return Array.from({ length: POSTS }, (_, i) => {
    const id = number * POSTS + i;
    return { id, title: `The title of post number ${id}`, author: 'Ada Lovelace', likes: 42 };
  });
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
