import { SpanKind } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { waitUntil } from '../../src/testing/wait-until.js';

const CHILD = join(process.cwd(), 'libs/redis/test/integration/support/traced-app-child.cjs');

interface EndedSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string | undefined;
}

let server: RedisTestServer;
let child: ChildProcess;
let port = 0;
beforeAll(async () => {
  server = await startRedis();
  child = fork(CHILD, [server.url]);
  ({ port } = await said<{ port: number }>());
  await fetch(`http://127.0.0.1:${port}/users/1`); // from now on the server knows the scripts
});
afterAll(async () => {
  child.kill('SIGKILL');
  await server.stop();
});

/** What the process says next; rejects if it has ended. */
async function said<T>(): Promise<T> {
  const ended = once(child, 'exit').then(([code]) => {
    throw new Error(`the application has exited with ${code}`);
  });
  const [message] = (await Promise.race([once(child, 'message'), ended])) as [T];
  return message;
}

/** Of the trace of one request, once it has ended. */
async function spansOfRequest(number: number): Promise<EndedSpan[]> {
  let spans: EndedSpan[] = [];
  const requests = () => spans.filter(({ kind }) => kind === SpanKind.SERVER);
  await waitUntil('the span of the request has ended', async () => {
    child.send('spans');
    ({ spans } = await said<{ spans: EndedSpan[] }>());
    return requests().length >= number;
  });
  const traceId = requests()[number - 1]?.traceId;
  return spans.filter((span) => span.traceId === traceId);
}

describe('The trace of a request, with the instrumentations of HTTP and ioredis', () => {
  it('leads from the request to the load of the cache and the command of the loader', async () => {
    const client = new Redis(server.port, server.host);
    await client.hset('7', { name: 'Ada' });
    client.disconnect();

    const response = await fetch(`http://127.0.0.1:${port}/users/7`);
    expect(await response.json()).toEqual({ name: 'Ada' });

    const spans = await spansOfRequest(2);
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    const path = (span: EndedSpan | undefined): string[] =>
      span ? [...path(byId.get(span.parentId ?? '')), span.name] : [];
    // A script is sent whole if the server does not know it, and a slow load gives signs of life.
    const paths = spans.map((span) =>
      path(span)
        .join(' > ')
        .replace(/\beval$/, 'evalsha'),
    );
    expect([...new Set(paths)].sort()).toEqual([
      'GET',
      'GET > evalsha', // asks for the lease
      'GET > mget', // looks for the entry
      'GET > redis.cache.load',
      'GET > redis.cache.load > evalsha', // fills the cache
      'GET > redis.cache.load > hgetall', // the loader
    ]);
    const command = spans.find(({ name }) => name === 'hgetall');
    expect(command?.kind).toBe(SpanKind.CLIENT);
    expect(command?.attributes).toMatchObject({ 'db.system.name': 'redis' });
  });

  it('has one command for a cached value', async () => {
    await fetch(`http://127.0.0.1:${port}/users/7`);
    const spans = await spansOfRequest(3);
    expect(spans.map(({ name }) => name)).toEqual(['mget', 'GET']);
  });
});
