import { AsyncLocalStorage } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Controller, Get, Header, UseInterceptors } from '@nestjs/common';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { CacheTTL, RedisCacheInterceptor } from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';
import { pass } from '../../../../test/support/time.js';

/** The sender of the request, as a middleware notes it. */
const sender = new AsyncLocalStorage<unknown>();

@Controller('context')
@UseInterceptors(RedisCacheInterceptor)
class ContextController {
  @Get('cached')
  async cached(): Promise<object> {
    await nextTurn();
    return { sender: sender.getStore() };
  }

  @Get('stale')
  @CacheTTL({ ttl: '50ms', staleFor: '1m' })
  stale(): Promise<object> {
    return this.cached();
  }

  @Get('private')
  @Header('Cache-Control', 'private')
  own(): Promise<object> {
    return this.cached();
  }
}

describe.each<Adapter>(['fastify', 'express'])(
  'A handler behind RedisCacheInterceptor on %s',
  (adapter) => {
    let server: RedisTestServer;
    let app: HttpApp;
    const getAs = async (name: string, path: string) => {
      const { text, cache } = await app.request(`/context/${path}`, { 'x-name': name });
      return { ...(JSON.parse(text) as { sender: string }), cache };
    };

    beforeAll(async () => {
      server = await startRedis();
      app = await serve({
        adapter,
        controllers: [ContextController],
        redis: { url: server.url, app: `context-${adapter}` },
        prepare: (nest) => {
          nest.use((request: { headers: Record<string, string> }, _: unknown, next: () => void) => {
            sender.run(request.headers['x-name'], next);
          });
        },
      });
    });
    afterAll(async () => {
      await app.close();
      await server.stop();
    });

    it('runs in the async context of its request', async () => {
      expect(await getAs('Ada', 'cached')).toEqual({ sender: 'Ada', cache: 'MISS' });
      expect(await getAs('Grace', 'cached')).toEqual({ sender: 'Ada', cache: 'HIT' });
    });

    it('runs in that of the request that refreshes a stale response', async () => {
      expect(await getAs('Ada', 'stale')).toEqual({ sender: 'Ada', cache: 'MISS' });
      await pass(60);
      expect(await getAs('Grace', 'stale')).toEqual({ sender: 'Grace', cache: 'MISS' });
    });

    it('runs in that of each request if a private response cannot be shared', async () => {
      const names = Array.from({ length: 8 }, (_, i) => `client ${i}`);
      const answers = await Promise.all(names.map((name) => getAs(name, 'private')));
      expect(answers).toEqual(names.map((name) => ({ sender: name, cache: 'BYPASS' })));
    });
  },
);
