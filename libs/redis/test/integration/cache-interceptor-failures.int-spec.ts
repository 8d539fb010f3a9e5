import {
  Controller,
  Get,
  NotFoundException,
  ServiceUnavailableException,
  UseInterceptors,
} from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CacheTags,
  CacheTTL,
  getRedisCacheToken,
  RedisCacheInterceptor,
  RedisExceptionFilter,
  RedisKeyNotFoundException,
  type RedisCache,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { pass } from '../../../../test/support/time.js';
import { Telemetry } from '../../src/telemetry/telemetry.js';
import { latch } from './support/latch.js';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';

let calls = 0;
/** The work of a handler, which also counts its calls. */
let act: () => unknown;

@Controller('f')
@UseInterceptors(RedisCacheInterceptor)
class FailingController {
  @Get('kept')
  @CacheTTL({ ttl: '40ms', failSafe: '1m' })
  @CacheTags('kept')
  kept(): Promise<object> {
    return made();
  }

  @Get('stale')
  @CacheTTL({ ttl: '40ms', staleFor: '1m' })
  stale(): Promise<object> {
    return made();
  }

  @Get('plain')
  @CacheTTL('40ms')
  plain(): Promise<object> {
    return made();
  }
}

async function made(): Promise<object> {
  const call = ++calls;
  await act();
  return { call };
}

/** The fields of an error of the package `http-errors`. */
const HTTP_404 = { expose: true, status: 404, statusCode: 404 };

const fail = () => {
  throw new ServiceUnavailableException('the database is away');
};

describe.each<Adapter>(['fastify', 'express'])('A handler that fails on %s', (adapter) => {
  let server: RedisTestServer;
  let app: HttpApp;
  let cache: RedisCache;

  beforeAll(async () => {
    server = await startRedis();
    app = await serve({
      adapter,
      controllers: [FailingController],
      providers: [{ provide: APP_FILTER, useClass: RedisExceptionFilter }],
      redis: {
        url: server.url,
        app: `fail-${adapter}`,
        cache: { jitter: 0, loadTimeout: '300ms' },
      },
    });
    cache = app.nest.get<RedisCache>(getRedisCacheToken(), { strict: false });
  });
  afterAll(async () => {
    await app.close();
    await server.stop();
  });
  beforeEach(async () => {
    calls = 0;
    act = () => undefined;
    await cache.invalidatePattern('*');
  });

  const get = async (path: string) => {
    const { status, text, cache: how, headers } = await app.request(`/f/${path}`);
    return { status, text, how, age: headers['age'] };
  };
  const getUntilExpired = async (path: string) => {
    expect(await get(path)).toMatchObject({ status: 200, how: 'MISS', text: '{"call":1}' });
    await pass(60);
  };

  it.each(['kept', 'stale'])('is replaced by the last response: %s', async (path) => {
    await getUntilExpired(path);
    act = fail;

    const age = expect.stringMatching(/^\d+$/);
    expect(await get(path)).toEqual({ status: 200, text: '{"call":1}', how: 'STALE', age });
    expect(calls).toBe(2);
  });

  it.each(['kept', 'stale'])(
    'is replaced by the last response also if it fails late: %s',
    async (path) => {
      await getUntilExpired(path);
      const entered = latch();
      const mayFail = latch();
      act = async () => {
        entered.open();
        await mayFail.opened;
        fail();
      };

      const answer = get(path);
      await entered.opened;
      await pass(50);
      mayFail.open();

      expect(await answer).toMatchObject({ status: 200, text: '{"call":1}', how: 'STALE' });
    },
  );

  it('is called again by the next request, and may have recovered', async () => {
    await getUntilExpired('kept');
    act = fail;
    await get('kept');
    act = () => undefined;

    expect(await get('kept')).toMatchObject({ how: 'MISS', text: '{"call":3}' });
  });

  it.each(['kept', 'stale'])(
    'is replaced by the last response if it takes too long: %s',
    async (path) => {
      await getUntilExpired(path);
      const late = latch();
      act = () => late.opened;

      expect(await get(path)).toMatchObject({ status: 200, text: '{"call":1}', how: 'STALE' });
      late.open();
    },
  );

  it('fails its request if it fails after it has taken too long', async () => {
    const mayFail = latch();
    act = async () => {
      await mayFail.opened;
      fail();
    };
    const gaveUp = latch();
    const unsubscribe = app.nest.get(Telemetry, { strict: false }).subscribe({
      'cache.load': ({ outcome }) => {
        if (outcome === 'failed') gaveUp.open();
      },
    });

    const answer = get('kept');
    await gaveUp.opened;
    await pass(20);
    unsubscribe();
    mayFail.open();

    expect(await answer).toMatchObject({ status: 503, how: 'BYPASS' });
  });

  it('fails its request if no response is kept', async () => {
    await getUntilExpired('plain');
    act = fail;

    expect(await get('plain')).toMatchObject({ status: 503, how: 'BYPASS' });
  });

  it('fails its request if there is no response yet', async () => {
    act = fail;

    expect(await get('kept')).toMatchObject({ status: 503, how: 'BYPASS' });
  });

  it('fails its request if the response was invalidated', async () => {
    await getUntilExpired('kept');
    await cache.invalidateTags('kept');
    act = fail;

    expect(await get('kept')).toMatchObject({ status: 503, how: 'BYPASS' });
  });

  it.each([
    ['Nest', new NotFoundException('it is gone')],
    ['this library', new RedisKeyNotFoundException('post:1')],
    ['http-errors', Object.assign(new Error('it is gone'), HTTP_404)],
  ])(
    'fails its request with its own exception for a mistake of the client: %s',
    async (_, gone) => {
      await getUntilExpired('kept');
      act = () => {
        throw gone;
      };

      const answers = await Promise.all([get('kept'), get('kept'), get('kept')]);

      for (const answer of answers) expect(answer).toMatchObject({ status: 404 });
    },
  );

  it('is replaced by the last response for each request that waits for it', async () => {
    await getUntilExpired('kept');
    const entered = latch();
    const mayFail = latch();
    act = async () => {
      entered.open();
      await mayFail.opened;
      fail();
    };

    const first = get('kept');
    await entered.opened;
    const others = [get('kept'), get('kept')];
    await pass(20);
    mayFail.open();

    for (const answer of await Promise.all([first, ...others])) {
      expect(answer).toMatchObject({ status: 200, text: '{"call":1}', how: 'STALE' });
    }
  });
});
