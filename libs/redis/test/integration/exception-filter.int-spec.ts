import {
  BadRequestException,
  Catch,
  Controller,
  Get,
  Logger,
  Module,
  Param,
  type ArgumentsHost,
  type ExceptionFilter,
  type INestApplication,
} from '@nestjs/common';
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  InjectRedis,
  REDIS_EXCEPTION_FILTER_OPTIONS,
  RedisBatchException,
  RedisConflictException,
  RedisExceptionFilter,
  RedisInvalidKeyException,
  RedisKeyNotFoundException,
  RedisLoadCycleException,
  RedisLoadTimeoutException,
  RedisModule,
  RedisSerializationException,
  RedisTimeoutException,
  RedisValidationException,
  type RedisException,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { waitUntil } from '../../src/testing/wait-until.js';

class TeapotError extends Error {}

@Catch(TeapotError)
class TeapotFilter implements ExceptionFilter {
  constructor(private readonly host: HttpAdapterHost) {}
  catch(_: TeapotError, host: ArgumentsHost) {
    this.host.httpAdapter.reply(host.switchToHttp().getResponse(), { tea: true }, 418);
  }
}

@Controller('fail')
class FailingController {
  constructor(@InjectRedis() private readonly redis: Redis) {}

  @Get(':how')
  async fail(@Param('how') how: string): Promise<unknown> {
    switch (how) {
      case 'wrongtype':
        await this.redis.set('text', 'hunter2');
        return this.redis.lpush('text', 'hunter2');
      case 'missing':
        throw new RedisKeyNotFoundException('user:hunter2');
      case 'timeout':
        throw new RedisTimeoutException({ operation: 'get', key: 'hunter2', timeoutMs: 1 });
      case 'invalid':
        throw new RedisValidationException('User', [{ property: 'email', messages: ['is bad'] }]);
      case 'teapot':
        throw new TeapotError();
      case 'refused-elsewhere':
        throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
      case 'not-ours':
        throw new BadRequestException('theirs');
      default:
        return this.redis.get('k');
    }
  }
}

function moduleFor(server: RedisTestServer, filterOptions?: object) {
  @Module({
    imports: [RedisModule.forRoot({ url: server.url, commandTimeout: '300ms' })],
    controllers: [FailingController],
    providers: [
      { provide: APP_FILTER, useClass: TeapotFilter },
      { provide: APP_FILTER, useClass: RedisExceptionFilter },
      ...(filterOptions
        ? [{ provide: REDIS_EXCEPTION_FILTER_OPTIONS, useValue: filterOptions }]
        : []),
    ],
  })
  class AppModule {}
  return AppModule;
}

async function serve(
  server: RedisTestServer,
  adapter: 'express' | 'fastify',
  filterOptions?: object,
): Promise<INestApplication> {
  const http = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(moduleFor(server, filterOptions), http, {
    logger: false,
    abortOnError: false,
  });
  await app.listen(0, '127.0.0.1');
  return app;
}

describe.each(['fastify', 'express'] as const)('RedisExceptionFilter on %s', (adapter) => {
  let server: RedisTestServer;
  let app: INestApplication;
  beforeAll(async () => {
    server = await startRedis();
    app = await serve(server, adapter);
  });
  afterAll(async () => {
    await app.close();
    await server.stop();
  });
  const get = async (how: string) => fetch(`${await app.getUrl()}/fail/${how}`);

  it('answers an error of the plain client with problem details, without hosts and keys', async () => {
    const response = await get('wrongtype');
    expect(response.status).toBe(500);
    expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(response.headers.get('retry-after')).toBeNull();
    const text = await response.text();
    expect(JSON.parse(text)).toEqual({
      type: 'urn:nestjs-redis-data:command',
      title: 'Internal Server Error',
      status: 500,
      detail: 'The request could not be processed. The failure has been recorded.',
      code: 'REDIS_COMMAND',
    });
    expect(text).not.toMatch(/hunter2|127\.0\.0\.1|lpush| at /);
  });

  it.each([
    ['missing', 404, 'REDIS_KEY_NOT_FOUND'],
    ['timeout', 503, 'REDIS_TIMEOUT'],
    ['invalid', 400, 'REDIS_VALIDATION'],
  ])('answers %s with %d', async (how, status, code) => {
    const response = await get(how);
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(status === 503 ? '2' : null);
    const text = await response.text();
    expect(JSON.parse(text)).toMatchObject({ status, code });
    expect(text).not.toContain('hunter2');
  });

  it.each([
    ['teapot', 418, { tea: true }],
    ['not-ours', 400, { message: 'theirs' }],
    ['refused-elsewhere', 500, { message: 'Internal server error' }],
    ['never', 200, undefined],
  ])('passes through other errors: %s', async (how, status, body) => {
    const response = await get(how);
    expect(response.status).toBe(status);
    if (body) expect(await response.json()).toMatchObject(body);
  });

  it('answers 503 with Retry-After while Redis is dead, and recovers with it', async () => {
    await server.kill();
    const response = await get('never');
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('2');
    await server.restart();
    await waitUntil('it answers again', async () => (await get('never')).status === 200);
  });

  it('answers 504 with another Retry-After if configured', async () => {
    const other = await serve(server, adapter, { timeoutStatus: 504, retryAfter: '90s' });
    const response = await fetch(`${await other.getUrl()}/fail/timeout`);
    await other.close();
    expect(response.status).toBe(504);
    expect(response.headers.get('retry-after')).toBe('90');
  });
});

describe('The log line of RedisExceptionFilter', () => {
  const host = {
    getType: () => 'ws',
    switchToWs: () => ({ getClient: () => ({}), getPattern: () => 'x', getData: () => ({}) }),
  } as unknown as ArgumentsHost;
  const batchOf = (error: RedisException) =>
    new RedisBatchException('getAll', new Map([['a', error]]), new Map());
  const refused = new RedisValidationException('User', []);
  const timeout = new RedisTimeoutException({ operation: 'get', timeoutMs: 1 });

  it.each<[string, 'debug' | 'error', RedisException]>([
    ['A request was refused', 'debug', refused],
    ['A request was refused', 'debug', new RedisInvalidKeyException('part 1', 'is empty')],
    ['A request was refused', 'debug', new RedisKeyNotFoundException('user:1')],
    ['A request was refused', 'debug', new RedisConflictException('user:1', 'is taken')],
    ['A request was refused', 'debug', batchOf(refused)],
    ['A request failed because of Redis', 'error', batchOf(timeout)],
    ['A request failed because of Redis', 'error', timeout],
    ['A request failed', 'error', new RedisSerializationException('k', 'is no JSON')],
    ['A request failed', 'error', new RedisLoadCycleException(['k', 'k'])],
    [
      'A request failed',
      'error',
      new RedisLoadTimeoutException({ key: 'k', timeoutMs: 1, waitedFor: 'loader' }),
    ],
  ])('is "%s", at level %s, for %s', (msg, level, exception) => {
    const write = jest.spyOn(Logger.prototype, level).mockImplementation(() => undefined);
    new RedisExceptionFilter(new HttpAdapterHost()).catch(exception, host);
    expect(write).toHaveBeenCalledWith(expect.objectContaining({ msg }));
    write.mockRestore();
  });
});

describe('RedisExceptionFilter without an application', () => {
  it('only ends a response whose headers have been sent', () => {
    const ended: unknown[] = [];
    const adapterHost = new HttpAdapterHost();
    adapterHost.httpAdapter = {
      isHeadersSent: () => true,
      end: (response: unknown) => ended.push(response),
    } as unknown as HttpAdapterHost['httpAdapter'];
    const host = {
      getType: () => 'http',
      switchToHttp: () => ({ getResponse: () => 'response' }),
    } as unknown as ArgumentsHost;
    new RedisExceptionFilter(adapterHost).catch(new RedisKeyNotFoundException('user:1'), host);
    expect(ended).toEqual(['response']);
  });
});
