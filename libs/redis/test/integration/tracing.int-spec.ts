import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { Test, type TestingModule } from '@nestjs/testing';
import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { RedisCache, RedisModule, type RedisModuleOptions } from 'nestjs-redis-data';
import { startFaultProxy, startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { RedisTracingModule } from 'nestjs-redis-data/tracing';
import { LoadTracing } from '../../src/cache/load/load-tracing.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { heldLoader, latch } from './support/latch.js';
import { pass } from '../../../../test/support/time.js';
import { recordTraces, type Traces } from './support/traces.js';

const LOAD = 'redis.cache.load';
const LEASE_WAIT = 'redis.cache.lease_wait';

let server: RedisTestServer;
let traces: Traces;
beforeAll(async () => {
  traces = recordTraces();
  server = await startRedis();
});
afterAll(async () => {
  await traces.stop();
  await server.stop();
});
let space = '';
beforeEach(() => {
  traces.forget();
  space = `tracing${Math.random().toString(36).slice(2)}`;
});
const apps: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** An application like those of the other processes of a test, with a cache of the test's own keys. */
async function boot({ traced = true, ...options }: RedisModuleOptions & { traced?: boolean } = {}) {
  const app = await Test.createTestingModule({
    imports: [
      RedisModule.forRoot({
        url: server.url,
        app: space,
        environment: 'test',
        startup: 'require',
        ...options,
        cache: { timeout: '5s', ...options.cache },
      }),
      ...(traced ? [RedisTracingModule] : []),
    ],
  }).compile();
  await app.init();
  apps.push(app);
  return { app, cache: app.get(RedisCache) };
}

const names = () => traces.spans().map(({ name }) => name);
const parentOf = (name: string) => traces.spans(name)[0]?.parentSpanContext?.spanId;
const idOf = (name: string) => traces.spans(name)[0]?.spanContext().spanId;

describe('The span of a load', () => {
  it('belongs to the request that caused it, and contains the work of the loader', async () => {
    const { cache } = await boot();
    const load = () => traces.inSpan('query', () => nextTurn({ name: 'Ada' }));
    const read = () => cache.getOrLoad(['user', 'ada@example.com'], load, { tags: ['users'] });
    expect(await traces.inSpan('request', read)).toEqual({ name: 'Ada' });
    expect(names()).toEqual(['query', LOAD, 'request']);
    expect(parentOf('query')).toBe(idOf(LOAD));
    expect(parentOf(LOAD)).toBe(idOf('request'));
    const [span] = traces.spans(LOAD);
    expect(span?.kind).toBe(SpanKind.INTERNAL);
    expect(span?.status).toEqual({ code: SpanStatusCode.UNSET });
    expect(span?.instrumentationScope.name).toBe('nestjs-redis-data');
    // Neither the key nor the tag nor the value.
    expect(span?.attributes).toEqual({
      'redis.cache.name': 'default',
      'redis.cache.outcome': 'filled',
    });
  });

  it('is made for a load only, and not for a hit', async () => {
    const { cache } = await boot();
    await cache.getOrLoad('k', () => 1);
    traces.forget();
    expect(await traces.inSpan('request', () => cache.getOrLoad('k', () => 2))).toBe(1);
    expect(names()).toEqual(['request']);
  });

  it('is one for all callers of the load, in the trace of the first', async () => {
    const { cache } = await boot();
    const { hasRead, load, finish } = heldLoader(() => 1);
    const first = traces.inSpan('first', () => cache.getOrLoad('k', load));
    await hasRead;
    const second = traces.inSpan('second', () => cache.getOrLoad('k', load));
    finish();
    expect(await Promise.all([first, second])).toEqual([1, 1]);
    expect(traces.spans(LOAD)).toHaveLength(1);
    expect(parentOf(LOAD)).toBe(idOf('first'));
  });

  it('fails with the loader, and contains its error', async () => {
    const { cache } = await boot();
    const load = () => Promise.reject(new RangeError('no such user'));
    const error = await caught(cache.getOrLoad('k', load));
    expect(error).toEqual(new RangeError('no such user'));
    const span = await traces.span(LOAD);
    expect(span.status).toEqual({ code: SpanStatusCode.ERROR, message: 'no such user' });
    expect(span.attributes).toMatchObject({
      'redis.cache.outcome': 'failed',
      'error.type': 'RangeError',
    });
    expect(
      span.events.map(({ name, attributes }) => [name, attributes?.['exception.type']]),
    ).toEqual([['exception', 'RangeError']]);
  });

  it('fails although the last known value is served instead', async () => {
    const { cache } = await boot();
    let fails = false;
    const load = () => (fails ? Promise.reject(new Error('database away')) : Promise.resolve(1));
    const read = () => cache.resolve('k', load, { ttl: '30ms', failSafe: '1m', jitter: 0 });
    await read();
    await pass(40);
    traces.forget();
    fails = true;
    expect(await read()).toMatchObject({ value: 1, status: 'stale' });
    expect((await traces.span(LOAD)).status).toMatchObject({ code: SpanStatusCode.ERROR });
  });

  it('does not contain a thrown value that is no error', async () => {
    const { cache } = await boot();
    for (const thrown of ['hunter2', null, { password: 'hunter2' }]) {
      traces.forget();
      // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- as careless loaders do
      const reading = cache.getOrLoad('k', () => Promise.reject(thrown));
      await expect(reading).rejects.toBe(thrown);
      const { events, status, attributes } = await traces.span(LOAD);
      expect(status.code).toBe(SpanStatusCode.ERROR);
      expect(JSON.stringify([events, status, attributes])).not.toMatch(/hunter2/);
    }
  });

  it('says that the value was not cached', async () => {
    const { cache } = await boot();
    await cache.getOrLoad('k', ({ skipCache }) => {
      skipCache();
      return 1;
    });
    const { attributes, status } = await traces.span(LOAD);
    expect(attributes['redis.cache.outcome']).toBe('skipped');
    expect(status.code).toBe(SpanStatusCode.UNSET);
  });

  it('says that the entry was deleted during the load', async () => {
    const { cache } = await boot();
    const { hasRead, load, finish } = heldLoader(() => 1);
    const reading = cache.getOrLoad('k', load);
    await hasRead;
    await cache.delete('k');
    finish();
    expect(await reading).toBe(1);
    expect((await traces.span(LOAD)).attributes['redis.cache.outcome']).toBe('lost');
  });

  it('is made without Redis, too', async () => {
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const { cache } = await boot({ url: undefined, host, port });
    await proxy.cut();
    const read = () => cache.resolve('k', () => 1);
    expect(await traces.inSpan('request', read)).toMatchObject({ value: 1, status: 'bypass' });
    expect(parentOf(LOAD)).toBe(idOf('request'));
    expect(traces.spans(LOAD)[0]?.attributes['redis.cache.outcome']).toBe('skipped');
  });

  it('fails when the loader takes too long', async () => {
    const { cache } = await boot();
    const never = latch();
    await caught(cache.getOrLoad('k', () => never.opened, { loadTimeout: '30ms' }));
    expect((await traces.span(LOAD)).attributes['error.type']).toBe('RedisLoadTimeoutException');
  });
});

describe('The span of a refresh in the background', () => {
  it('is linked to the request that caused it, and does not belong to its trace', async () => {
    const { cache } = await boot();
    const stale = { ttl: '30ms', staleFor: '1m', jitter: 0 } as const;
    await cache.getOrLoad('k', () => 1, stale);
    await pass(40);
    traces.forget();
    const { load, finish } = heldLoader(() => 2);
    const read = () => cache.resolve('k', () => traces.inSpan('query', load), stale);
    expect(await traces.inSpan('request', read)).toMatchObject({ value: 1, status: 'stale' });
    const request = await traces.span('request');
    finish();
    const refresh = await traces.span(LOAD);
    expect(names()).toEqual(['request', 'query', LOAD]);
    expect(refresh.parentSpanContext).toBeUndefined();
    expect(refresh.spanContext().traceId).not.toBe(request.spanContext().traceId);
    expect(refresh.links.map(({ context }) => context)).toEqual([request.spanContext()]);
    expect(refresh.attributes['redis.cache.outcome']).toBe('filled');
    const [query] = traces.spans('query');
    expect(query?.parentSpanContext?.spanId).toBe(refresh.spanContext().spanId);
    expect(query?.links).toEqual([]);
  });

  it('has no link without a trace', async () => {
    const { cache } = await boot();
    const stale = { ttl: '30ms', staleFor: '1m', jitter: 0 } as const;
    await cache.getOrLoad('k', () => 1, stale);
    await pass(40);
    traces.forget();
    expect(await cache.getOrLoad('k', () => 2, stale)).toBe(1);
    const { links, parentSpanContext } = await traces.span(LOAD);
    expect({ links, parentSpanContext }).toEqual({ links: [], parentSpanContext: undefined });
  });
});

describe('The span of a wait for the loader of another process', () => {
  let leaseWait: jest.SpiedFunction<LoadTracing['leaseWait']>;
  beforeEach(() => {
    leaseWait = jest.spyOn(LoadTracing.prototype, 'leaseWait');
  });
  afterEach(() => {
    leaseWait.mockRestore();
  });

  it('belongs to the waiting request', async () => {
    const [a, b] = [await boot(), await boot()];
    const { hasRead, load, finish } = heldLoader(() => 'loaded by a');
    const loading = traces.inSpan('request of a', () => a.cache.getOrLoad('k', load));
    await hasRead;
    const waiting = traces.inSpan('request of b', () => b.cache.getOrLoad('k', () => 'by b'));
    await waitUntil('b waits', () => leaseWait.mock.calls.length > 0);
    finish();
    expect(await Promise.all([loading, waiting])).toEqual(['loaded by a', 'loaded by a']);
    expect(parentOf(LEASE_WAIT)).toBe(idOf('request of b'));
    expect(parentOf(LOAD)).toBe(idOf('request of a'));
    expect(names().sort()).toEqual([LEASE_WAIT, LOAD, 'request of a', 'request of b']);
    expect(traces.spans(LEASE_WAIT)[0]?.attributes).toEqual({ 'redis.cache.name': 'default' });
  });

  it('fails with the error that ended the wait, under its public name', async () => {
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const a = await boot();
    const b = await boot({ url: undefined, host, port });
    const { hasRead, load, finish } = heldLoader(() => 'by a');
    const loading = a.cache.getOrLoad('k', load);
    await hasRead;
    const waiting = b.cache.getOrLoad('k', () => 'by b');
    await waitUntil('b waits', () => leaseWait.mock.calls.length > 0);
    await proxy.cut();
    expect(await waiting).toBe('by b');
    finish();
    await loading;
    const { attributes, status } = await traces.span(LEASE_WAIT);
    expect(status.code).toBe(SpanStatusCode.ERROR);
    expect(attributes['error.type']).toBe('RedisConnectionException');
  });
});

describe('RedisTracingModule', () => {
  it('traces only its own application of the process', async () => {
    const [traced, other] = [await boot(), await boot({ traced: false })];
    await traced.cache.getOrLoad('a', () => 1);
    expect(traces.spans(LOAD)).toHaveLength(1);
    await other.cache.getOrLoad('b', () => 1);
    expect(traces.spans(LOAD)).toHaveLength(1);
  });

  it('ends with its application, and not for others', async () => {
    const [a, b] = [await boot(), await boot()];
    apps.splice(apps.indexOf(a.app), 1);
    await a.app.close();
    expect(await a.cache.getOrLoad('a', () => 1)).toBe(1);
    expect(traces.spans(LOAD)).toHaveLength(0);
    await b.cache.getOrLoad('b', () => 1);
    expect(traces.spans(LOAD)).toHaveLength(1);
  });

  it('changes nothing without a tracer provider, and uses one that is registered later', async () => {
    await traces.stop();
    const { cache } = await boot();
    expect(trace.getActiveSpan()).toBeUndefined();
    expect(await cache.getOrLoad('a', () => 1)).toBe(1);
    const error = new Error('loader');
    expect(await caught(cache.getOrLoad('b', () => Promise.reject(error)))).toBe(error);
    const stale = { ttl: '30ms', staleFor: '1m', jitter: 0 } as const;
    await cache.getOrLoad('c', () => 1, stale);
    await pass(40);
    const refreshed = latch();
    const refresh = () => {
      refreshed.open();
      return 2;
    };
    expect(await cache.getOrLoad('c', refresh, stale)).toBe(1);
    await refreshed.opened;
    traces = recordTraces();
    await cache.getOrLoad('d', () => 1);
    expect(names()).toEqual([LOAD]);
  });
});
