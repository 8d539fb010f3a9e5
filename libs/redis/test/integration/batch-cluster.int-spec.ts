import { afterAll, beforeAll, expect, it } from '@jest/globals';
import calculateSlot from 'cluster-key-slot';
import { Cluster, Redis } from 'ioredis';
import { RedisBatch, type RedisModuleOptions } from 'nestjs-redis-data';
import { startCluster, type RedisTestCluster } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { batchFailure, manyKeys, useBatchConnections } from './support/batch-connection.js';
import { HOSTILE_KEYS } from './support/batch-model.js';
import { primariesOf } from './support/primaries.js';
import { recordCommands } from './support/record-commands.js';

const connect = useBatchConnections();

describeWithRealRedis('RedisBatch in a cluster', () => {
  let cluster: RedisTestCluster;
  const options = (): RedisModuleOptions => ({
    clusterNodes: cluster.primaries.map(({ host, port }) => ({ host, port })),
  });
  beforeAll(async () => {
    cluster = await startCluster({ replicas: false });
  });
  afterAll(() => cluster.stop());

  it('reads keys of all slots, and keeps their order', async () => {
    const { client, batch } = await connect(options());
    const keys = [...manyKeys(1_200), ...HOSTILE_KEYS, '{tag}:1', '{tag}:2'];
    const values = new Map(keys.map((key, i) => [key, i]));
    await batch.setAll(values);
    expect([...(await batch.getAll([...keys].reverse()))]).toEqual([...values].reverse());
    const counts = await batch.incrementAll(keys);
    expect([...counts]).toEqual(keys.map((key, i) => [key, i + 1]));
    expect(await client.pttl('key:7')).toBeGreaterThan(3_590_000);
    expect(await batch.deleteAll([...keys, 'missing'])).toBe(keys.length);
    expect(await batch.getAll(keys)).toEqual(new Map());
  });

  it('sends keys of one slot as one command, and all slots together', async () => {
    const { client, batch } = await connect(options());
    const keys = ['{one}:a', 'foo', '{one}:b', 'bar', '{one}:c'];
    await batch.setAll(new Map(keys.map((key) => [key, 1])));
    const seen = recordCommands(client);
    await batch.getAll(keys);
    expect(seen.sent.map(({ args }) => args.flat().map(String))).toEqual([
      ['{one}:a', '{one}:b', '{one}:c'],
      ['foo'],
      ['bar'],
    ]);
    expect(seen.mostAtOnce).toBe(3);
    expect(await batch.deleteAll(keys)).toBe(5);
    expect(seen.names()).toEqual(['mget', 'mget', 'mget', 'unlink', 'unlink', 'unlink']);
  });

  it('fails for the wrong key only, also if others are in its slot', async () => {
    const { client, batch } = await connect(options());
    await client.hset('hash', 'field', 'x');
    const error = await batchFailure(batch.incrementAll(['n:1', 'hash', 'n:2', 'n:3']));
    expect([...error.errors.keys()]).toEqual(['hash']);
    expect([...error.results]).toEqual([
      ['n:1', 1],
      ['n:2', 1],
      ['n:3', 1],
    ]);
    expect(await batch.deleteAll(['n:1', 'hash', 'n:2', 'n:3'])).toBe(4);
  });

  it('serves keys of a slot that is being moved', async () => {
    const { client, batch } = await connect(options());
    const keys = ['{moving}:a', '{moving}:b', '{moving}:missing'];
    await batch.setAll({ '{moving}:a': 1, '{moving}:b': 2 });
    const slot = calculateSlot('{moving}:a');
    const owner = cluster.primaries.findIndex(
      (_, i) => slot < Math.ceil(((i + 1) * 16_384) / cluster.primaries.length),
    );
    const [from, to] = [cluster.primaries[owner], cluster.primaries[(owner + 1) % 3]];
    const nodes = [from, to].map((node) => new Redis(node?.url ?? ''));
    try {
      const [fromId, toId] = await Promise.all(nodes.map((node) => node.cluster('MYID')));
      await nodes[1]?.cluster('SETSLOT', slot, 'IMPORTING', String(fromId));
      await nodes[0]?.cluster('SETSLOT', slot, 'MIGRATING', String(toId));
      expect([...(await batch.getAll(keys))]).toEqual([
        ['{moving}:a', 1],
        ['{moving}:b', 2],
      ]);
      expect(await batch.deleteAll(keys)).toBe(2);
      expect([...(await batch.incrementAll(keys)).values()]).toEqual([1, 1, 1]); // over there
    } finally {
      await Promise.all(nodes.map((node) => node.cluster('SETSLOT', slot, 'STABLE')));
      for (const node of nodes) node.disconnect();
      expect(await client.ping()).toBe('PONG');
    }
  });

  it('works with a plain cluster client of ioredis', async () => {
    const plain = new Cluster(cluster.primaries.map(({ host, port }) => ({ host, port })));
    try {
      const batch = new RedisBatch(plain);
      await batch.setAll({ 'p:1': 1, 'p:2': 2, 'p:3': 3 });
      expect([...(await batch.getAll(['p:3', 'p:1']))]).toEqual([
        ['p:3', 3],
        ['p:1', 1],
      ]);
      expect(await batch.deleteAll(['p:1', 'p:2', 'p:3'])).toBe(3);
    } finally {
      plain.disconnect();
    }
  });

  // Last, because the cluster does not recover from it at once.
  it('serves the keys of the other nodes while one does not answer, and asks that one once', async () => {
    const { client, batch } = await connect({ ...options(), commandTimeout: '2s' });
    for (const node of primariesOf(client)) {
      await node.config('SET', 'cluster-require-full-coverage', 'no');
    }
    const keys = manyKeys(3_000);
    const firstSlots = Math.ceil(16_384 / cluster.primaries.length);
    const lost = keys.filter((key) => calculateSlot(key) < firstSlots);
    await batch.setAll(new Map(keys.map((key) => [key, 1])));
    const { sent } = recordCommands(client);
    cluster.primaries[0]?.freeze();
    try {
      const { errors, results } = await batchFailure(batch.incrementAll(keys));
      expect([...errors.keys()]).toEqual(lost);
      expect(results.size).toBe(keys.length - lost.length);
      const asked = sent.filter((command) => lost.includes(String(command.getKeys()[0])));
      expect(asked.length).toBeLessThanOrEqual(500);
    } finally {
      cluster.primaries[0]?.thaw();
    }
  });
});
