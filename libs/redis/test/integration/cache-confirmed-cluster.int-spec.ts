/** Invalidations that replicas have to confirm, where each key has a primary and replicas of its own. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { eventually } from '../../../../test/support/time.js';
import { KeyBuilder, type RedisBatchException, type RedisCacheOptions } from '../../src/index.js';
import { CacheKeys } from '../../src/cache/cache-keys.js';
import { nodeOf } from '../../src/connection/driver/hash-slots.js';
import { startCluster, type RedisTestCluster } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

const keys = new KeyBuilder({ app: 'test', environment: 'confirmed-cluster' });
const PATIENT = { invalidation: { replicas: 1, timeout: '10s' } } as const;
const QUICK = { invalidation: { replicas: 1, timeout: '300ms' } } as const;

describeWithRealRedis('An invalidation that replicas have to confirm on a cluster', () => {
  let cluster: RedisTestCluster;
  const connections: OpenConnection[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterEach(async () => {
    for (const node of cluster.nodes) node.thaw();
    await Promise.all(connections.splice(0).map((connection) => connection.close()));
  });
  afterAll(() => cluster.stop());

  async function open(options: RedisCacheOptions) {
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    const connection = await openConnection({ clusterNodes });
    connections.push(connection);
    const { client } = connection;
    /** Names of tags or entries, one on each primary. */
    const oneOnEach = (keyOf: (name: string) => string) =>
      cluster.primaries.map(({ host, port }) => {
        for (let i = 0; ; i++) {
          if (nodeOf(client, keyOf(`n${i}`)) === `${host}:${port}`) return `n${i}`;
        }
      });
    return { ...listenedCache(client, keys, options), client, oneOnEach };
  }
  const tagKey = (name: string) => keys.tagKey(name);
  const entryKey = (name: string) => new CacheKeys(keys, 'default').of(name).entry;
  const waits = async () => {
    const all = await Promise.all(
      cluster.primaries.map((node) => sendCommand(node, 'INFO', 'commandstats')),
    );
    return all.map((stats) => Number(/cmdstat_wait:calls=(\d+)/.exec(String(stats))?.[1] ?? 0));
  };

  it('is done when a replica of its node has it', async () => {
    const { cache, oneOnEach } = await open(PATIENT);
    for (const [i, name] of oneOnEach(entryKey).entries()) {
      const replica = cluster.replicas[i] as (typeof cluster.nodes)[0];
      const slot = String(await sendCommand(replica, 'CLUSTER', 'KEYSLOT', entryKey(name)));
      const onReplica = () => sendCommand(replica, 'CLUSTER', 'COUNTKEYSINSLOT', slot);
      await cache.set(name, 'old');
      expect(await onReplica()).toBe(1);
      expect(await cache.delete(name)).toBe(true);
      expect(await onReplica()).toBe(0);
    }
  });

  it('fails for the keys of one node alone, if only the replica of that one does not confirm', async () => {
    const { cache, oneOnEach } = await open(QUICK);
    const [lost = '', ...others] = oneOnEach(tagKey);
    await (await open(PATIENT)).cache.invalidateTags(lost, ...others);
    cluster.replicas[0]?.freeze();
    const settled: string[] = [];
    const note = (name: string) => () => void settled.push(name);
    const failing = cache.invalidateTags(lost).catch(note(lost));
    await Promise.all(others.map((name) => cache.invalidateTags(name).then(note(name))));
    expect(settled).toEqual(expect.arrayContaining(others));
    await failing;
    expect(settled).toContain(lost);

    const error = (await caught(cache.invalidateTags(lost, ...others))) as RedisBatchException;
    expect([...error.errors.keys()]).toEqual([lost]);
    expect(error.errors.get(lost)).toMatchObject({
      name: 'RedisUnconfirmedException',
      confirmed: 0,
    });
    expect([...error.results.keys()].sort()).toEqual([...others].sort());
  });

  it('removes the entry although its lease is not confirmed', async () => {
    const { cache, oneOnEach } = await open(QUICK);
    const [name = ''] = oneOnEach(entryKey);
    await (await open({})).cache.set(name, 'old');
    cluster.replicas[0]?.freeze();
    expect(await caught(cache.delete(name))).toHaveProperty('code', 'REDIS_UNCONFIRMED');
    expect(await cache.get(name)).toBeUndefined();
  });

  it('is confirmed together with all others of its time and node', async () => {
    const { cache, oneOnEach } = await open(PATIENT);
    await cache.invalidateTags(...oneOnEach(tagKey));
    const before = await waits();
    await Promise.all(Array.from({ length: 100 }, (_, i) => cache.invalidateTags(`many${i}`)));
    const after = await waits();
    for (const [i, count] of after.entries())
      expect(count - (before[i] ?? 0)).toBeLessThanOrEqual(2);
  });

  it('is confirmed by the node that a slot is being moved to, and by the next primary', async () => {
    const { cache, client, oneOnEach } = await open(PATIENT);
    const [name = ''] = oneOnEach(tagKey);
    await cache.invalidateTags(name);
    const [source, target] = cluster.primaries as [
      (typeof cluster.nodes)[0],
      (typeof cluster.nodes)[0],
    ];
    const slot = String(await sendCommand(source, 'CLUSTER', 'KEYSLOT', tagKey(name)));
    const [sourceId, targetId] = await Promise.all(
      [source, target].map(async (node) => String(await sendCommand(node, 'CLUSTER', 'MYID'))),
    );
    await sendCommand(target, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', String(sourceId));
    await sendCommand(source, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', String(targetId));
    const before = await waits();
    await cache.invalidateTags(name); // its key is gone: the source sends us to the target
    expect((await waits())[1]).toBeGreaterThan(before[1] ?? 0);
    for (const node of [target, source]) {
      await sendCommand(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', String(targetId));
    }
    await cache.invalidateTags(name);

    await sendCommand(cluster.replicas[1] as typeof source, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
    await waitUntil('the former primary follows', async () => {
      const info = String(await sendCommand(target, 'INFO', 'replication'));
      return /role:slave[^]*link_status:up/.test(info);
    });
    await eventually(() => cache.invalidateTags(name));
    expect(client.status).toBe('ready');
  });
});
