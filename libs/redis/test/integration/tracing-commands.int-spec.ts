/**
 * Spans of commands, made by OpenTelemetry's own instrumentation. Jest has a module loader of its own, so
 * ioredis is handed to the instrumentation here; tracing-http.int-spec.ts leaves that to Node.
 */
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { IORedisInstrumentation } from '@opentelemetry/instrumentation-ioredis';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import * as ioredis from 'ioredis';
import { KeyBuilder, RedisCache, type RedisModuleOptions } from 'nestjs-redis-data';
import { startCluster, startFaultProxy, startRedis } from 'nestjs-redis-data/testing';
import type { RedisTestServer } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';
import { recordTraces, type Traces } from './support/traces.js';

const instrumentation = new IORedisInstrumentation();
const [definition] = instrumentation.getModuleDefinitions();

let server: RedisTestServer;
let traces: Traces;
beforeAll(async () => {
  traces = recordTraces();
  server = await startRedis();
  definition?.patch?.(ioredis.Redis, '');
});
afterAll(async () => {
  definition?.unpatch?.(ioredis.Redis, '');
  await traces.stop();
  await server.stop();
});
beforeEach(() => {
  traces.forget();
  instrumentation.setConfig({});
});
const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function connect(options: RedisModuleOptions = { url: server.url }) {
  const connection = await openConnection(options);
  cleanups.push(() => connection.close());
  return connection.client;
}

/** The commands and failures that are announced beside the spans. */
async function connectAndListen(options?: RedisModuleOptions) {
  const connection = await openConnection({ url: server.url, ...options });
  cleanups.push(() => connection.close());
  const announced: (string | undefined)[][] = [];
  connection.telemetry.subscribe({
    command: ({ command, failure }) => announced.push([command, failure?.kind]),
  });
  return { client: connection.client, announced };
}

/** A busy machine is no outage. */
const PATIENT = { timeout: '5s' } as const;

const names = () => traces.spans().map(({ name }) => name);

describe('A command that is traced by the instrumentation of ioredis', () => {
  it('is announced as without tracing', async () => {
    const { client, announced } = await connectAndListen();
    await traces.inSpan('request', async () => {
      await client.set('k', 'v');
      await caught(client.lpush('k', 1));
      await client.multi().get('k').exec();
    });
    expect(announced).toEqual([
      ['set', undefined],
      ['lpush', 'command'],
      ['multi', undefined],
      ['get', undefined],
      ['exec', undefined],
    ]);
    expect(names()).toEqual(expect.arrayContaining(['set', 'lpush', 'request']));
  });

  it('has one span, which ends when the command does', async () => {
    const client = await connect();
    await traces.inSpan('request', async () => {
      const setting = client.set('k', 'v');
      expect(names()).toEqual([]);
      await setting;
      expect(names()).toEqual(['set']);
      expect(await client.get('k')).toBe('v');
    });
    expect(names()).toEqual(['set', 'get', 'request']);
    const [set, get, request] = traces.spans();
    for (const span of [set, get]) {
      expect(span?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
      expect(span?.kind).toBe(SpanKind.CLIENT);
      expect(span?.attributes).toMatchObject({
        'db.system.name': 'redis',
        'server.address': server.host,
        'server.port': server.port,
      });
    }
  });

  it('is distinguished from other commands of the same turn', async () => {
    const client = await connect();
    await traces.inSpan('request', () =>
      Promise.all([client.set('a', 1), client.get('a'), caught(client.incr('a', 'b' as never))]),
    );
    expect(names().sort()).toEqual(['get', 'incr', 'request', 'set']);
    const failed = traces.spans().filter(({ status }) => status.code === SpanStatusCode.ERROR);
    expect(failed.map(({ name }) => name)).toEqual(['incr']);
  });

  it('has a failed span for an error reply, and rejects as without tracing', async () => {
    const client = await connect();
    const failing = () => caught(client.call('NOSUCH', 'hunter2'));
    const untraced = await failing();
    const error = await traces.inSpan('request', failing);
    expect(error.message).toBe(untraced.message);
    expect(translateError(error)).toMatchObject({ name: 'RedisCommandException' });
    const [span] = traces.spans('NOSUCH');
    expect(span?.status).toMatchObject({ code: SpanStatusCode.ERROR, message: error.message });
    expect(JSON.stringify([span?.events, span?.status, span?.attributes])).not.toMatch(/hunter2/);
  });

  it('has a failed span when its deadline passes', async () => {
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const client = await connect({ host, port, commandTimeout: '500ms' });
    proxy.stall();
    const error = await traces.inSpan('request', () => caught(client.get('late')));
    expect(translateError(error)).toMatchObject({
      name: 'RedisTimeoutException',
      operation: 'get',
      key: 'late',
      timeoutMs: 500,
    });
    expect(names()).toEqual(['get', 'request']);
    expect(traces.spans('get')[0]?.status).toEqual({
      code: SpanStatusCode.ERROR,
      message: 'Command timed out',
    });
    await proxy.heal();
    expect(await client.get('late')).toBeNull();
  });

  it('has one span although it waited for the connection', async () => {
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const connection = await openConnection({ host, port });
    cleanups.push(() => connection.close());
    await proxy.cut();
    await connection.until('connection.down');
    await traces.inSpan('request', async () => {
      const setting = connection.client.set('k', 'v');
      await proxy.heal();
      await setting;
    });
    expect(names()).toEqual(['set', 'request']);
  });

  it('has one span in a pipeline and in a transaction, too', async () => {
    const client = await connect();
    await traces.inSpan('request', async () => {
      await client.pipeline().set('p', 1).get('p').exec();
      await client.multi().incr('p').lpush('p', 'x').exec();
    });
    expect(names()).toEqual(['set', 'get', 'multi', 'incr', 'lpush', 'exec', 'request']);
  });

  it('has no span outside a request', async () => {
    const client = await connect();
    await client.get('k');
    expect(names()).toEqual([]);
  });

  it('does not have the connection in its trace, even if it opens it', async () => {
    const { pool, close } = await openConnection({ url: server.url });
    cleanups.push(close);
    const atClose = await traces.inSpan('request', () =>
      pool.use(async (client) => {
        await client.set('k', 'v');
        return new Promise((resolve) => {
          client.once('close', () => {
            resolve(trace.getActiveSpan());
          });
          client.disconnect();
        });
      }),
    );
    expect(names()).toEqual(['set', 'request']);
    expect(atClose).toBeUndefined();
  });

  it('shows only its name if `dbStatementSerializer` says so', async () => {
    const client = await connect();
    const keys = new KeyBuilder({ app: 'traced', environment: 'test' });
    const cache = new RedisCache(client, keys, PATIENT);
    const load = (key: string) => cache.getOrLoad(key, () => 'hunter2');
    const texts = () => traces.spans().map(({ attributes }) => attributes['db.query.text']);

    instrumentation.setConfig({ dbStatementSerializer: (command) => command });
    await traces.inSpan('request', () => load('as the guide says'));
    expect(texts()).toContain('mget');
    const longer = texts().filter((text) => text !== undefined && !/^[a-z]+$/.test(String(text)));
    expect(longer).toEqual([]);

    instrumentation.setConfig({});
    await traces.inSpan('request', () => load('as it is by default'));
    expect(texts().some((text) => /^evalsha .*hunter2/.test(String(text)))).toBe(true);
  });

  it('has the first caller of its turn as its parent', async () => {
    const client = await connect();
    const keys = new KeyBuilder({ app: 'shared', environment: 'test' });
    const cache = new RedisCache(client, keys, PATIENT);
    await Promise.all(['x', 'y'].map((key) => cache.set(key, key)));
    const ids = await Promise.all(
      ['x', 'y'].map((key) =>
        traces.inSpan(key, async (span) => {
          expect(await cache.get(key)).toBe(key);
          return span.spanContext().spanId;
        }),
      ),
    );
    const reads = traces.spans('mget');
    expect(reads.map(({ parentSpanContext }) => parentSpanContext?.spanId)).toEqual([ids[0]]);
  });
});

describeWithRealRedis('A command of a cluster that is traced', () => {
  it('has one span, and fails as without tracing', async () => {
    await using cluster = await startCluster({ replicas: false });
    const client = await connect({ clusterNodes: cluster.nodes });
    await traces.inSpan('request', async () => {
      await client.set('k', 'v');
      const error = await caught(client.lpush('k', 'hunter2'));
      expect(translateError(error)).toMatchObject({ operation: 'lpush', key: 'k' });
    });
    expect(names()).toEqual(['set', 'lpush', 'request']);
    expect(traces.spans('lpush')[0]?.status.code).toBe(SpanStatusCode.ERROR);
  });
});
