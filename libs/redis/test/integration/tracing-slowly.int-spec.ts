/** Instrumentations that are not OpenTelemetry's, and tell a command how it ended only later. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { RedisModuleOptions } from 'nestjs-redis-data';
import { startCluster, startFaultProxy, startRedis } from 'nestjs-redis-data/testing';
import type { RedisTestServer } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';
import { instrumentSlowly, type SlowInstrumentation } from './support/slow-instrumentation.js';

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A client whose connection was set up without the instrumentation: it has seen no command yet. */
async function connect(when: 'before' | 'after', options: RedisModuleOptions = {}) {
  const instrumentation = instrumentSlowly(when);
  cleanups.push(() => {
    instrumentation.remove();
  });
  const connection = await openConnection({ url: server.url, ...options });
  cleanups.push(() => connection.close());
  const announced: (string | undefined)[][] = [];
  connection.telemetry.subscribe({
    command: ({ command, failure }) => announced.push([command, failure?.kind]),
  });
  const { client } = connection;
  await client.ping();
  announced.length = 0;
  instrumentation.isActive = true;
  return { client, announced, instrumentation };
}

async function hold(instrumentation: SlowInstrumentation, work: () => Promise<unknown>) {
  const held: (() => void)[] = [];
  instrumentation.passOn = (act) => held.push(act);
  await work();
  return held;
}

describe.each(['before', 'after'] as const)(
  'A command that an instrumentation wraps %s it is sent, and settles later',
  (when) => {
    it('ends with its own reply, like other commands of its turn', async () => {
      const { client, announced } = await connect(when);
      const replies = await Promise.all([
        client.set(`${when}:a`, 'x'),
        client.set(`${when}:b`, 'y'),
        client.get(`${when}:a`),
        client.get(`${when}:b`),
        client.get(`${when}:c`),
      ]);
      expect(replies).toEqual(['OK', 'OK', 'x', 'y', null]);
      expect(announced.map(([command]) => command)).toEqual(['set', 'set', 'get', 'get', 'get']);
    });

    it('fails with its own error, without its arguments', async () => {
      const { client, announced } = await connect(when);
      const [unknown, wrong] = await Promise.all([
        caught(client.call('NOSUCH', 'hunter2')),
        caught(client.incr(`${when}:text`, 'hunter2' as never)),
        client.ping(),
      ]);
      expect(translateError(unknown)).toMatchObject({ operation: 'other' });
      expect(translateError(wrong)).toMatchObject({ operation: 'incr', key: `${when}:text` });
      expect(`${unknown.stack}${wrong.stack}`).not.toMatch(/hunter2/);
      expect(announced).toEqual([
        ['other', 'command'],
        ['incr', 'command'],
        ['ping', undefined],
      ]);
    });

    it('ends in a pipeline and in a transaction', async () => {
      const { client } = await connect(when);
      const key = `${when}:n`;
      const piped = await client.pipeline().set(key, 1).incr(key).lpush(key, 'x').exec();
      expect(piped?.map(([error, reply]) => error?.name ?? reply)).toEqual(['OK', 2, 'ReplyError']);
      expect(await client.multi().incr(key).get(key).exec()).toEqual([
        [null, 3],
        [null, '3'],
      ]);
    });

    it('ends once, at its deadline', async () => {
      await using proxy = await startFaultProxy(server);
      const { host, port } = proxy;
      const timeout = { url: undefined, host, port, commandTimeout: '500ms' } as const;
      const { client, announced, instrumentation } = await connect(when, timeout);
      proxy.stall();
      const held = await hold(instrumentation, async () => {
        const error = await caught(client.get('late'));
        expect(translateError(error)).toMatchObject({
          name: 'RedisTimeoutException',
          operation: 'get',
          key: 'late',
          timeoutMs: 500,
        });
      });
      expect(held).toHaveLength(1);
      instrumentation.passOn = setImmediate;
      await proxy.heal();
      expect(await client.get('late')).toBeNull();
      for (const act of held) act();
      expect(announced).toEqual([
        ['get', 'timeout'],
        ['get', undefined],
      ]);
    });
  },
);

describeWithRealRedis('A cluster command that settles later', () => {
  it('ends with its own reply or error', async () => {
    await using cluster = await startCluster({ replicas: false });
    const { client } = await connect('after', { url: undefined, clusterNodes: cluster.nodes });
    const keys = ['a', 'b', 'c', 'd'];
    await Promise.all(keys.map((key) => client.set(key, `of ${key}`)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(
      keys.map((key) => `of ${key}`),
    );
    const error = await caught(client.lpush('a', 'hunter2'));
    expect(translateError(error)).toMatchObject({ operation: 'lpush', key: 'a' });
  });
});
