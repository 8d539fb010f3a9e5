import { expect, it } from '@jest/globals';
import { Cluster, Redis } from 'ioredis';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { RealTestServer } from '../../src/testing/real-test-server.js';
import { startCluster } from '../../src/testing/start-cluster.js';
import { startRedis } from '../../src/testing/start-redis.js';
import { startReplica } from '../../src/testing/start-replica.js';
import { startSentinel } from '../../src/testing/start-sentinel.js';
import { waitUntil } from '../../src/testing/wait-until.js';

const KEYS = Array.from({ length: 60 }, (_, index) => `key-${index}`);

describeWithRealRedis('startReplica', () => {
  it('has the data of its primary and refuses writes', async () => {
    await using primary = await startRedis({ password: 'secret' });
    const writer = new Redis(primary.url);
    await writer.set('a', '1');
    await using replica = await startReplica(primary);
    const reader = new Redis(replica.url);
    expect(await reader.get('a')).toBe('1');
    await expect(reader.set('a', '2')).rejects.toThrow(/^READONLY/);
    writer.disconnect();
    reader.disconnect();
  });

  // Redis 6 takes an argument for one word whatever is in it, and then misses another.
  it('passes each word of an option to the server as an argument', async () => {
    await using primary = await startRedis({ args: [] });
    await using replica = await startReplica(primary);
    if (!(replica instanceof RealTestServer)) throw new Error('no real server');
    const { args } = replica;
    const option = args.indexOf('--replicaof');
    expect(args.slice(option, option + 3)).toEqual([
      '--replicaof',
      primary.host,
      String(primary.port),
    ]);
    expect(args.filter((arg) => arg.includes(' '))).toEqual([]);
  });

  it('follows a primary with TLS and a password, and has both, too', async () => {
    await using primary = await startRedis({ tls: true, password: 'secret' });
    await using replica = await startReplica(primary);
    expect(replica).toMatchObject({ tls: primary.tls, password: 'secret' });
  });
});

describeWithRealRedis('startSentinel', () => {
  it('leads a client to the primary, and names another one when the primary dies', async () => {
    await using topology = await startSentinel();
    const { name, primary, sentinels } = topology;
    const addresses = sentinels.map(({ host, port }) => ({ host, port }));
    const client = new Redis({ name, sentinels: addresses });
    const seen = await Promise.all([client.config('GET', 'port'), client.wait(2, 10_000)]);
    client.disconnect(); // before the fault: it would look for a primary for ever
    expect(seen).toEqual([['port', String(primary.port)], 2]);
    expect(await topology.currentPrimary()).toBe(primary);
    await primary.kill();
    await waitUntil('a replica is promoted', async () => {
      return topology.replicas.includes(await topology.currentPrimary());
    });
  });
});

describeWithRealRedis('startCluster', () => {
  it('serves keys of all slots through its primaries', async () => {
    await using topology = await startCluster();
    expect([topology.primaries.length, topology.replicas.length]).toEqual([3, 3]);
    const client = new Cluster(topology.nodes.map(({ host, port }) => ({ host, port })));
    await Promise.all(KEYS.map((key) => client.set(key, key)));
    expect(await Promise.all(KEYS.map((key) => client.get(key)))).toEqual(KEYS);
    const sizes = await Promise.all(client.nodes('master').map((node) => node.dbsize()));
    expect(sizes).toHaveLength(3);
    expect(Math.min(...sizes)).toBeGreaterThan(0);
    client.disconnect();
  });

  it('works without replicas', async () => {
    await using topology = await startCluster({ replicas: false });
    expect(topology.nodes).toEqual(topology.primaries);
    expect(topology.replicas).toEqual([]);
  });
});
