/** Responses from the near copy are, byte for byte, those that travel from Redis. */
import { once } from 'node:events';
import { connect, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import {
  Controller,
  Get,
  Res,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CacheHeaders,
  CacheTags,
  CacheTTL,
  CacheVary,
  getRedisCacheToken,
  RedisCacheInterceptor,
  type RedisCache,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { tap, type Observable } from 'rxjs';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { eventually } from '../../../../test/support/time.js';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';

let calls = 0;
/** The values that the interceptor further out has seen. */
let seen: unknown[] = [];
beforeEach(() => {
  calls = 0;
  seen = [];
});

/** Changes the value that it sees: the next request must not see it changed. */
class Watching implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(
      tap((value: { list: unknown[] }) => {
        seen.push(structuredClone(value));
        value.list.push('changed');
      }),
    );
  }
}

interface Headers {
  header(name: string, value: string): unknown;
}

@Controller('near')
class NearController {
  @Get('object')
  @UseInterceptors(RedisCacheInterceptor)
  object(): object {
    return { title: 'ä 😀', calls: ++calls };
  }

  @Get('text')
  @UseInterceptors(RedisCacheInterceptor)
  text(): string {
    return `text ${++calls}`;
  }

  @Get('varied')
  @UseInterceptors(RedisCacheInterceptor)
  @CacheVary('accept-language')
  @CacheHeaders('x-total-count')
  varied(@Res({ passthrough: true }) response: Headers): object {
    response.header('Vary', 'Accept-Language,Origin');
    response.header('Cache-Control', 'public, max-age=60');
    response.header('X-Total-Count', '7');
    return { calls: ++calls };
  }

  @Get('seen')
  @UseInterceptors(Watching, RedisCacheInterceptor)
  seen(): object {
    return { list: [new Date(0)], calls: ++calls };
  }

  @Get('tagged')
  @UseInterceptors(RedisCacheInterceptor)
  @CacheTags('t')
  tagged(): object {
    return { calls: ++calls };
  }

  @Get('travelling')
  @UseInterceptors(RedisCacheInterceptor)
  @CacheTTL({ near: false })
  travelling(): object {
    return { calls: ++calls };
  }
}

/** The bytes of a response as latin1, without what the moment decides. */
async function bytesOf(
  app: HttpApp,
  path: string,
  { method = 'GET', ...headers }: Record<string, string> = {},
): Promise<string> {
  const { port } = (app.nest.getHttpServer() as { address(): AddressInfo }).address();
  const socket = connect(port, '127.0.0.1').setEncoding('latin1');
  await once(socket, 'connect');
  const lines = Object.entries({ host: 'api.test', connection: 'close', ...headers });
  socket.write(
    `${method} /near/${path} HTTP/1.1\r\n${lines.map((line) => line.join(': ')).join('\r\n')}\r\n\r\n`,
  );
  const all = await text(socket);
  return all.replace(/\r\ndate: [^\r]+/i, '').replace(/\r\nage: \d+/i, '\r\nage: n');
}

describeWithRealRedis('The near copy of responses', () => {
  describe.each<Adapter>(['fastify', 'express'])('on %s', (adapter) => {
    let server: RedisTestServer;
    /** One with a near copy and one without, which share what is in Redis. */
    let near: HttpApp;
    let far: HttpApp;
    let cache: RedisCache;

    beforeAll(async () => {
      server = await startRedis();
      const start = (copy: boolean) =>
        serve({
          adapter,
          controllers: [NearController],
          redis: {
            url: server.url,
            app: `near-${adapter}`,
            cache: { ...(copy && { near: { maxBytes: 2 ** 20, staleness: '5s' } }) },
          },
        });
      near = await start(true);
      far = await start(false);
      cache = near.nest.get<RedisCache>(getRedisCacheToken(), { strict: false });
    });
    beforeEach(() => cache.invalidatePattern('*'));
    afterAll(async () => {
      await near.close();
      await far.close();
      await server.stop();
    });

    const hits = () => cache.nearState?.hits ?? 0;
    /** Asks until the response comes from the near copy. @returns it */
    async function nearBytesOf(path: string, headers?: Record<string, string>): Promise<string> {
      let bytes = '';
      await eventually(async () => {
        const before = hits();
        bytes = await bytesOf(near, path, headers);
        expect(hits()).toBe(before + 1);
      });
      return bytes;
    }

    it.each<[string, Record<string, string>]>([
      ['object', {}],
      ['text', {}],
      ['varied', { 'accept-language': 'de' }],
      ['seen', {}],
      ['tagged', {}],
    ])('are those of Redis: %s', async (path, headers) => {
      const [whole, etag] = [await nearBytesOf(path, headers), /etag: (\S+)/i];
      expect(whole).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
      expect(whole).toMatch(/x-cache: HIT\r\n/i);
      expect(whole).toBe(await bytesOf(far, path, headers));
      expect(calls).toBe(1);

      const known = { ...headers, 'if-none-match': etag.exec(whole)?.[1] ?? '' };
      const unchanged = await nearBytesOf(path, known);
      expect(unchanged).toMatch(/^HTTP\/1\.1 304 Not Modified\r\n/);
      expect(unchanged).toBe(await bytesOf(far, path, known));

      const head = await nearBytesOf(path, { method: 'HEAD', ...headers });
      expect(head).toBe(await bytesOf(far, path, { method: 'HEAD', ...headers }));
    });

    it('shows interceptors further out a value of their own each time', async () => {
      await nearBytesOf('seen');
      await nearBytesOf('seen');
      const first = { list: [new Date(0)], calls: 1 };
      expect(seen.length).toBeGreaterThan(2);
      expect(seen).toEqual(seen.map(() => first));
    });

    it('is not asked by a request with credentials, nor by a route with `near: false`', async () => {
      await nearBytesOf('object');
      const before = hits();
      const bytes = await bytesOf(near, 'object', { authorization: 'Bearer a' });
      expect(bytes).toMatch(/x-cache: BYPASS\r\n/i);
      for (let i = 0; i < 5; i++) await bytesOf(near, 'travelling');
      expect(await bytesOf(near, 'travelling')).toMatch(/x-cache: HIT\r\n/i);
      expect(hits()).toBe(before);
    });

    it('has nothing that was invalidated', async () => {
      expect(await nearBytesOf('tagged')).toMatch(/\{"calls":1\}$/);
      await cache.invalidateTags('t');
      expect(await bytesOf(near, 'tagged')).toMatch(/x-cache: MISS\r\n.*\{"calls":2\}$/is);
    });
  });
});
