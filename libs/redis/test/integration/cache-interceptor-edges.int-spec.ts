import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough } from 'node:stream';
import {
  Controller,
  Get,
  InternalServerErrorException,
  Param,
  Req,
  Res,
  StreamableFile,
  UseInterceptors,
  type ExecutionContext,
} from '@nestjs/common';
import { ExternalContextCreator, ModulesContainer } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import {
  CacheKey,
  CacheScope,
  CacheTags,
  CacheTTL,
  getRedisCacheToken,
  RedisCacheInterceptor,
  type RedisCache,
  type UnnamedCacheOptions,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { waitUntil } from '../../src/testing/wait-until.js';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';
import { pass } from '../../../../test/support/time.js';

let calls = 0;
let fails = false;
/** Of what is made from now on. */
let ttl: '50ms' | '1m';
let entered: () => void;
let leave: () => void;
/** Resolves when the slow handler runs; `leave()` lets it go on. */
let handlerRuns: Promise<void>;
let mayLeave: Promise<void>;
function hold() {
  handlerRuns = new Promise((resolve) => (entered = resolve));
  mayLeave = new Promise((resolve) => (leave = resolve));
}
beforeEach(() => {
  calls = 0;
  fails = false;
  ttl = '50ms';
  hold();
});
afterEach(() => leave());

@Controller('edges')
@UseInterceptors(RedisCacheInterceptor)
class EdgesController {
  @Get('stale/:id')
  @CacheTTL(() => ({ ttl, staleFor: '1m' }))
  @CacheTags('stale')
  async stale(): Promise<object> {
    const call = ++calls;
    if (call > 1) {
      entered();
      await mayLeave;
    }
    if (fails) throw new InternalServerErrorException();
    return { call };
  }

  @Get('slow/:id')
  async slow(): Promise<object> {
    const call = ++calls;
    entered();
    await mayLeave;
    return { call };
  }

  @Get('failing-slowly')
  async failing(): Promise<object> {
    calls++;
    entered();
    await mayLeave;
    throw new InternalServerErrorException();
  }

  @Get('dynamic/:ttl')
  @CacheTTL(({ params }: { params: { ttl: string } }) => {
    if (params.ttl === 'default') return undefined;
    return (/^\d+$/.test(params.ttl) ? Number(params.ttl) : params.ttl) as '1m';
  })
  dynamic(@Param('ttl') ttl: string): object {
    return { ttl, call: ++calls };
  }

  @Get('hijacked')
  hijacked(@Req() request: { method: string }, @Res({ passthrough: true }) response: unknown) {
    calls++;
    const { raw, hijack } = response as Partial<FastifyReply>;
    hijack?.call(response as FastifyReply);
    (raw ?? (response as http.ServerResponse)).end(`raw ${request.method}`);
  }

  @Get('hooked')
  hooked(): object {
    return { secret: 'hunter2', call: ++calls };
  }

  @Get('serializer')
  serializer(@Res({ passthrough: true }) reply: unknown): object {
    (reply as Partial<FastifyReply>).serializer?.(() => '{"own":true}');
    return { call: ++calls };
  }

  /** The cache decides how long the response may be stale. */
  @Get('short')
  @CacheTTL('50ms')
  short(): Promise<object> {
    return this.stale();
  }

  /** Until the test ends it. */
  @Get('stream')
  stream(): StreamableFile {
    calls++;
    entered();
    const stream = new PassThrough();
    void mayLeave.then(() => stream.end('streamed'));
    return new StreamableFile(stream);
  }

  @Get('circular')
  circular(): object {
    calls++;
    const circle: Record<string, unknown> = {};
    circle['self'] = circle;
    return circle;
  }

  @Get('unkeyable')
  @CacheKey('x')
  @CacheScope((): string => {
    throw new InternalServerErrorException('no owner');
  })
  unkeyable(): object {
    return { call: ++calls };
  }
}

describe.each<Adapter>(['fastify', 'express'])('RedisCacheInterceptor on %s', (adapter) => {
  let server: RedisTestServer;
  let app: HttpApp;
  let cache: RedisCache;
  const get = (path: string, headers?: Record<string, string>) =>
    app.request(`/edges/${path}`, headers);

  beforeAll(async () => {
    server = await startRedis();
    app = await serve({
      adapter,
      controllers: [EdgesController],
      redis: { url: server.url, app: `edge-${adapter}` },
      prepare: (nest) => {
        if (adapter === 'express') return;
        const fastify = nest.getHttpAdapter().getInstance() as FastifyInstance;
        fastify.addHook('onRoute', (route) => {
          if (!route.url.endsWith('/hooked')) return;
          route.preSerialization = (
            _: FastifyRequest,
            _reply: FastifyReply,
            payload: unknown,
            done,
          ) => {
            done(null, { ...(payload as object), secret: '***' });
          };
        });
      },
    });
    cache = app.nest.get<RedisCache>(getRedisCacheToken(), { strict: false });
  });
  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  const untilStale = () => pass(60);

  it('serves a stale response to all requests but the one that refreshes it', async () => {
    expect((await get('stale/1')).text).toBe('{"call":1}');
    await untilStale();
    ttl = '1m';
    const refreshing = get('stale/1');
    await handlerRuns;
    const others = await Promise.all(Array.from({ length: 5 }, () => get('stale/1')));
    expect(others.map(({ cache: how, text }) => [how, text])).toEqual(
      others.map(() => ['STALE', '{"call":1}']),
    );
    leave();
    const fresh = await refreshing;
    expect([fresh.cache, fresh.text]).toEqual(['MISS', '{"call":2}']);
    expect((await get('stale/1')).text).toBe('{"call":2}');
    expect(calls).toBe(2);
  });

  it('lets one of several processes refresh a stale response', async () => {
    const other = await serve({
      adapter,
      controllers: [EdgesController],
      redis: { url: server.url, app: `edge-${adapter}` },
    });
    const headers = { host: 'same.example' };
    const path = '/edges/stale/fleet';
    await app.request(path, headers);
    await untilStale();
    ttl = '1m'; // who waits for it finds it fresh
    const waiting = [app.request(path, headers), other.request(path, headers)];
    await handlerRuns;
    leave();
    const answers = await Promise.all(waiting);
    await other.close();
    expect(answers.map(({ text }) => text)).toEqual(['{"call":2}', '{"call":2}']);
    expect(calls).toBe(2);
  });

  it.each<UnnamedCacheOptions>([
    { staleFor: '1m' },
    { staleFor: '36500d', failSafe: '36500d' }, // together more than an option may be
  ])('stores a refreshed response with the times of its cache: %j', async (options) => {
    const own = await serve({
      adapter,
      controllers: [EdgesController],
      redis: { url: server.url, app: `own-${adapter}-${options.staleFor}`, cache: options },
    });
    const short = async () => (await own.request('/edges/short')).cache;
    leave();
    expect(await short()).toBe('MISS');
    await untilStale();
    expect(await short()).toBe('MISS'); // made anew
    await untilStale();
    hold();
    const refreshing = short();
    await handlerRuns;
    expect(await short()).toBe('STALE');
    leave();
    await refreshing;
    await own.close();
  });

  it('serves no stale response that was invalidated', async () => {
    await get('stale/2');
    await untilStale();
    await cache.invalidateTags('stale');
    leave();
    const answer = await get('stale/2');
    expect([answer.cache, answer.text]).toEqual(['MISS', '{"call":2}']);
  });

  it('still serves the stale response after a failed refresh, and tries again', async () => {
    await get('stale/3');
    await untilStale();
    fails = true;
    const refreshing = get('stale/3');
    await handlerRuns;
    leave();
    expect(await refreshing).toMatchObject({ cache: 'STALE', text: '{"call":1}' });
    fails = false;
    const answers = new Map<string | undefined, string>();
    await waitUntil('it is tried again', async () => {
      const { cache: how, text } = await get('stale/3');
      answers.set(how, text);
      return how === 'MISS';
    });
    expect(answers.get('MISS')).toBe('{"call":3}');
    answers.delete('MISS');
    expect([...answers]).toEqual([...answers.keys()].map(() => ['STALE', '{"call":1}']));
  });

  it('does not load again if the first client disconnects', async () => {
    const { port } = (app.nest.getHttpServer() as http.Server).address() as AddressInfo;
    const first = http.get({ port, host: '127.0.0.1', path: '/edges/slow/1', agent: false });
    first.on('error', () => undefined);
    await handlerRuns;
    const second = get('slow/1');
    first.destroy();
    await new Promise((resolve) => first.once('close', resolve));
    leave();
    expect((await second).text).toBe('{"call":1}');
    expect(calls).toBe(1);
  });

  it('lets each request make its own response if the first must not be cached', async () => {
    const answers = Promise.all(Array.from({ length: 5 }, () => get('failing-slowly')));
    await handlerRuns;
    leave();
    for (const { status, cache: how } of await answers) {
      expect([status, how]).toEqual([500, 'BYPASS']);
    }
    expect(calls).toBe(5);
  });

  it('can take the ttl from the request', async () => {
    for (const ttl of ['1m', '20ms', 'default']) await get(`dynamic/${ttl}`);
    await pass(30);
    const found = [];
    for (const ttl of ['1m', '20ms', 'default']) found.push((await get(`dynamic/${ttl}`)).cache);
    expect(found).toEqual(['HIT', 'MISS', 'HIT']);
  });

  it('fails a request if its ttl function returns a number without a unit', async () => {
    expect((await get('dynamic/60')).status).toBe(500);
    expect(calls).toBe(0);
  });

  it('does not touch a response that is sent without Nest', async () => {
    for (let i = 1; i <= 2; i++) {
      expect((await get('hijacked')).text).toBe('raw GET');
      expect(calls).toBe(i);
    }
  });

  it('does not cache a response that a hook or a serializer of the route changes', async () => {
    const isFastify = adapter === 'fastify';
    for (let i = 1; i <= 2; i++) {
      const { text, cache: how } = await get('hooked');
      if (!isFastify) continue;
      expect([JSON.parse(text), how]).toEqual([{ secret: '***', call: i }, 'BYPASS']);
    }
    for (let i = 1; i <= 2; i++) {
      const { text, cache: how } = await get('serializer');
      if (isFastify) expect([text, how]).toEqual(['{"own":true}', 'BYPASS']);
    }
  });

  it('lets no other request wait for a stream that stalls', async () => {
    const first = get('stream');
    await handlerRuns;
    const second = get('stream');
    await waitUntil('both are streamed', () => calls === 2);
    leave();
    for (const { status, text, cache: how } of await Promise.all([first, second])) {
      expect([status, text, how]).toEqual([200, 'streamed', 'BYPASS']);
    }
  });

  it('marks a stale response to HEAD as stale, too', async () => {
    const head = async () => (await app.request('/edges/stale/4', {}, 'HEAD')).cache;
    await get('stale/4');
    await untilStale();
    expect([await head(), calls]).toEqual(['STALE', 1]);
    await cache.invalidateTags('stale');
    leave();
    expect([await head(), calls]).toEqual(['MISS', 2]);
  });

  it('lets the adapter report a value that cannot be serialized', async () => {
    expect((await get('circular')).status).toBe(500);
    expect((await get('circular')).status).toBe(500);
  });

  it('passes on the error of a function in a decorator', async () => {
    expect((await get('unkeyable')).status).toBe(500);
    expect(calls).toBe(0);
  });

  it('answers from the handler in time while Redis is down, and recovers', async () => {
    await server.kill();
    for (let i = 1; i <= 3; i++) {
      const answer = await get('dynamic/1m');
      expect([answer.status, answer.cache, JSON.parse(answer.text)]).toEqual([
        200,
        'BYPASS',
        { ttl: '1m', call: i },
      ]);
      expect(answer.headers['etag']).toBeDefined();
    }
    const { status, cache: how } = await app.request('/edges/dynamic/1m', {}, 'HEAD');
    expect([status, how]).toEqual([200, 'MISS']);
    await server.restart();
    await waitUntil('it is back', async () => (await get('dynamic/1m')).cache === 'HIT');
  });
});

describe('RedisCacheInterceptor outside HTTP', () => {
  class Resolver {
    calls = 0;

    @CacheTTL('1m')
    plain(): number {
      return ++this.calls;
    }

    @CacheKey((context: ExecutionContext) => ['graphql', context.getArgByIndex<string>(0)])
    @CacheTags((id: string) => `graphql-${id}`)
    keyed(id: string): string {
      return `${id} ${++this.calls}`;
    }

    @CacheKey(() => 'scoped')
    @CacheScope(() => 'me')
    scoped(): number {
      return ++this.calls;
    }
  }

  let server: RedisTestServer;
  let app: HttpApp;
  beforeAll(async () => {
    server = await startRedis();
    app = await serve({
      adapter: 'fastify',
      controllers: [EdgesController],
      redis: { url: server.url, app: 'edge-outside' },
      providers: [Resolver],
    });
  });
  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  /** As Nest's GraphQL module calls a resolver. */
  function callerOf(method: 'keyed' | 'plain' | 'scoped') {
    const cache = app.nest.get<RedisCache>(getRedisCacheToken(), { strict: false });
    const resolver = app.nest.get(Resolver, { strict: false });
    const interceptor = new RedisCacheInterceptor(cache);
    UseInterceptors(interceptor)(Resolver.prototype, method, { value: Resolver.prototype[method] });
    expect(app.nest.get(ModulesContainer).size).toBeGreaterThan(0);
    return app.nest
      .get(ExternalContextCreator)
      .create(
        resolver,
        resolver[method] as () => unknown,
        method,
        undefined,
        undefined,
        undefined,
        undefined,
        undefined,
        'graphql',
      ) as (...args: unknown[]) => Promise<unknown>;
  }

  it('caches nothing by default', async () => {
    const call = callerOf('plain');
    expect([await call(), await call()]).toEqual([1, 2]);
  });

  it('caches values if a function returns the key, with one load for several callers', async () => {
    const call = callerOf('keyed');
    const before = app.nest.get(Resolver, { strict: false }).calls;
    expect(await Promise.all([call('a'), call('a'), call('b')])).toEqual([
      `a ${before + 1}`,
      `a ${before + 1}`,
      `b ${before + 2}`,
    ]);
    const cache = app.nest.get<RedisCache>(getRedisCacheToken(), { strict: false });
    await cache.invalidateTags('graphql-a');
    expect([await call('a'), await call('b')]).toEqual([`a ${before + 3}`, `b ${before + 2}`]);
  });

  it('caches nothing with a scope, because it does not know the user', async () => {
    const call = callerOf('scoped');
    expect(await call()).not.toBe(await call());
  });
});
