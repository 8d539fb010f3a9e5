/** What spans say of a failure of Redis, and what becomes of a load whose tracing fails. */
import { SpanStatusCode, trace, type Span } from '@opentelemetry/api';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace-node';
import { Test } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  getRedisToken,
  KeyBuilder,
  RedisCache,
  RedisKeyNotFoundException,
  RedisModule,
  RedisTimeoutException,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { RedisTracingModule } from 'nestjs-redis-data/tracing';
import type { Redis } from 'ioredis';
import { caught } from './support/caught.js';
import { recordTraces, type Traces } from './support/traces.js';

const LOAD = 'redis.cache.load';

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function boot(...processors: SpanProcessor[]) {
  const traces = recordTraces(...processors);
  cleanups.push(() => traces.stop());
  const app = await Test.createTestingModule({
    imports: [
      RedisModule.forRoot({
        url: server.url,
        app: 'failures',
        environment: 'test',
        cache: { timeout: '5s' },
      }),
      RedisTracingModule,
    ],
  }).compile();
  await app.init();
  cleanups.push(() => app.close());
  const client = app.get<Redis>(getRedisToken());
  await client.flushall();
  return { traces, client, cache: app.get(RedisCache), keys: app.get(KeyBuilder) };
}

/** The span of a load that failed. */
async function failedSpan(traces: Traces): Promise<ReadableSpan> {
  const span = await traces.span(LOAD);
  expect(span.status.code).toBe(SpanStatusCode.ERROR);
  return span;
}

const told = ({ name, status, events, attributes }: ReadableSpan) =>
  JSON.stringify({ name, status, events, attributes });

describe('The span of a load that failed with an exception of this library', () => {
  it('contains its name, code and stack, and no key', async () => {
    const { traces, cache, keys } = await boot();
    const key = keys.userKey('ada@example.com');
    const timeout = { operation: 'get', key, timeoutMs: 5 };
    for (const error of [new RedisKeyNotFoundException(key), new RedisTimeoutException(timeout)]) {
      traces.forget();
      const loading = cache.getOrLoad(['user', key], () => Promise.reject(error));
      expect(await caught(loading)).toBe(error);
      expect(error.message).toContain('ada');
      const span = await failedSpan(traces);
      expect(span.status.message).toBe(error.code);
      expect(span.attributes['error.type']).toBe(error.name);
      expect(span.events.map(({ attributes }) => attributes)).toEqual([
        {
          'exception.type': error.name,
          'exception.stacktrace': expect.stringMatching(
            new RegExp(`^${error.name}\n +at .*tracing-failures`),
          ),
        },
      ]);
      expect(told(span)).not.toMatch(/ada|example/);
    }
  });

  it('contains the same for the translation of a driver error', async () => {
    const { traces, client, cache } = await boot();
    await client.set('ada@example.com', 'text');
    const error = await caught(
      cache.getOrLoad('k', () => client.lpush('ada@example.com', 'hunter2')),
    );
    expect(error.name).toBe('ReplyError');
    const span = await failedSpan(traces);
    expect(span.status.message).toBe('REDIS_COMMAND');
    expect(span.attributes['error.type']).toBe('RedisCommandException');
    expect(told(span)).not.toMatch(/WRONGTYPE|ada|hunter2/);
  });

  it('has no stack if the message cannot be told apart from it', async () => {
    const { traces, cache } = await boot();
    const error = new RedisKeyNotFoundException('user:app:test:ada');
    expect(error.stack).toContain('ada');
    error.message = 'There is no value';
    await caught(cache.getOrLoad('k', () => Promise.reject(error)));
    const span = await failedSpan(traces);
    expect(span.events[0]?.attributes).toEqual({ 'exception.type': error.name });
  });

  it('contains the whole error of the application', async () => {
    const { traces, cache } = await boot();
    const error = new RangeError('no such user');
    await caught(cache.getOrLoad('k', () => Promise.reject(error)));
    const span = await failedSpan(traces);
    expect(span.status.message).toBe('no such user');
    expect(span.events[0]?.attributes).toEqual({
      'exception.type': 'RangeError',
      'exception.message': 'no such user',
      'exception.stacktrace': error.stack,
    });
  });
});

describe('A load whose tracing fails', () => {
  const broken = (on: Partial<SpanProcessor>): SpanProcessor => ({
    onStart: () => undefined,
    onEnd: () => undefined,
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
    ...on,
  });
  const fail = () => {
    throw new Error('a broken processor');
  };

  function warnings() {
    const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
    cleanups.push(() => {
      warn.mockRestore();
    });
    return warn;
  }

  it.each([
    ['when its span ends', { onEnd: fail }],
    ['when its span starts', { onStart: fail }],
    [
      'in each method',
      {
        onStart: (span: Span) => {
          Object.assign(span, { setAttributes: fail, recordException: fail });
        },
      },
    ],
  ])('returns the loaded value and emits a warning: %s', async (_, processor) => {
    const warn = warnings();
    const { cache } = await boot(broken(processor));
    expect(await cache.getOrLoad('a', () => 42)).toBe(42);
    expect(await cache.get('a')).toBe(42);
    const error = new Error('loader');
    expect(await caught(cache.getOrLoad('b', () => Promise.reject(error)))).toBe(error);
    expect(warn).toHaveBeenCalledWith(
      'Tracing of Redis failed: Error: a broken processor',
      expect.objectContaining({ detail: expect.stringContaining('at ') }),
    );
  });

  it('runs its loader once', async () => {
    warnings();
    const { cache } = await boot(broken({ onStart: fail, onEnd: fail }));
    const load = jest.fn(() => trace.getActiveSpan());
    await cache.getOrLoad('a', () => load() ?? 'no span');
    expect(load).toHaveBeenCalledTimes(1);
    expect(await cache.get('a')).toBe('no span');
  });
});
