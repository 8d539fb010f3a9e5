/**
 * A connection breaks after Redis has executed a command and before the reply arrives. The client cannot know
 * whether the command was executed, and must not execute it twice.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Cluster, Redis } from 'ioredis';
import {
  startCluster,
  startFaultProxy,
  startRedis,
  type FaultProxy,
  type RedisTestServer,
} from 'nestjs-redis-data/testing';
import { EntityId, KeyBuilder, RedisBatch, RedisEntity, RedisRepository } from '../../src/index.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

@RedisEntity({ kind: 'counted' })
class Counted {
  @EntityId() id!: string;
  count!: number;
}

describe('A connection that breaks before the reply comes', () => {
  let server: RedisTestServer;
  let proxy: FaultProxy;
  let connection: OpenConnection;
  let direct: OpenConnection;

  beforeEach(async () => {
    server = await startRedis();
    proxy = await startFaultProxy(server);
    connection = await openConnection({ host: proxy.host, port: proxy.port });
    direct = await openConnection({ url: server.url });
  });
  afterEach(async () => {
    await connection.close();
    await direct.close();
    await proxy.stop();
    await server.stop();
  });

  /** Lets the command reach Redis, and breaks the connection before the reply can pass. */
  async function interrupted<T>(
    act: () => Promise<T>,
    executed: () => Promise<boolean>,
    delayNow = true,
  ) {
    await connection.client.ping(); // connected
    if (delayNow) proxy.delay(10_000);
    const acting = act().then(
      (value) => ({ value }),
      (error: unknown) => ({ error }),
    );
    while (!(await executed())) await new Promise(setImmediate);
    await proxy.cut();
    await proxy.heal();
    return acting;
  }

  it('does not increment twice', async () => {
    const { client } = connection;
    await client.set('n', 1);
    const outcome = await interrupted(
      () => client.incr('n'),
      async () => (await direct.client.get('n')) === '2',
    );
    expect(outcome).toMatchObject({ error: { message: /connection broke/ } });
    expect(await client.get('n')).toBe('2');
  });

  it('makes an update fail instead of applying it twice', async () => {
    const keys = new KeyBuilder({ app: 'a', environment: 't' });
    const repository = new RedisRepository(connection.client, keys, Counted);
    await repository.save({ id: '1', count: 0 });
    const others = new RedisRepository(direct.client, new KeyBuilder(keys), Counted);
    let calls = 0;
    await repository.update('1', (counted) => ({ count: counted.count + 1 })); // the script is known
    const outcome = await interrupted(
      () => {
        return repository.update('1', (counted) => {
          proxy.delay(10_000);
          calls++;
          return { count: counted.count + 1 };
        });
      },
      async () => (await others.getById('1'))?.count === 2,
      false,
    );
    expect(outcome).toMatchObject({ error: { name: 'RedisConnectionException' } });
    expect(calls).toBe(1);
    expect((await repository.getById('1'))?.count).toBe(2);
  });

  it('makes a batch report which counters are uncertain', async () => {
    const batch = new RedisBatch(connection.client);
    await batch.incrementAll(['c']);
    const outcome = await interrupted(
      () => batch.incrementAll(['c']),
      async () => (await direct.client.get('c')) === '2',
    );
    expect(outcome).toMatchObject({ error: { name: 'RedisBatchException' } });
    expect(await direct.client.get('c')).toBe('2');
  });

  it('sends a read again', async () => {
    await connection.client.set('k', 'v');
    proxy.stall();
    const reading = connection.client.get('k');
    await new Promise(setImmediate); // written
    await proxy.cut();
    await proxy.heal();
    expect(await reading).toBe('v');
  });

  it('ends a transaction and a pipeline as a whole', async () => {
    const { client } = connection;
    const transaction = await interrupted(
      () => client.multi().incr('t').get('t').exec(),
      async () => (await direct.client.get('t')) === '1',
    );
    expect(transaction).toHaveProperty('error');
    const pipeline = await interrupted(
      () => client.pipeline().get('p').incr('p').exec(),
      async () => (await direct.client.get('p')) === '1',
    );
    const results = 'value' in pipeline ? pipeline.value : [];
    expect(results?.map(([error]) => error)).toEqual([expect.any(Error), expect.any(Error)]);
    expect(await direct.client.mget('t', 'p')).toEqual(['1', '1']);
  });
});

describeWithRealRedis('A cluster node whose connection breaks', () => {
  it('does not increment twice, and sends a read again', async () => {
    const cluster = await startCluster({ replicas: false });
    const connection = await openConnection({
      clusterNodes: cluster.nodes.map(({ host, port }) => ({ host, port })),
    });
    try {
      const client = connection.client as Cluster;
      await client.set('n', 1);
      const counting = client.incr('n').catch((error: unknown) => error as Error);
      const reading = client.get('n');
      await new Promise(process.nextTick); // written
      for (const { stream } of client.nodes('all') as Partial<Redis>[]) stream?.destroy();
      const outcome = await counting;
      expect(outcome).toMatchObject({ message: 'The connection broke before the reply came' });
      const after = await reading;
      expect(await client.get('n')).toBe(after); // longer ago than the driver waits before it retries
      expect(['1', '2']).toContain(after);
    } finally {
      await connection.close();
      await cluster.stop();
    }
  });
});
