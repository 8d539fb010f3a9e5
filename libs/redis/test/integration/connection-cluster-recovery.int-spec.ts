/** A client of a cluster whose nodes have moved, are frozen, or are behind dead connections. */
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import calculateSlot from 'cluster-key-slot';
import type { Cluster, Redis } from 'ioredis';
import type { RedisModuleOptions } from '../../src/index.js';
import { startCluster, type RedisTestCluster } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { Gateway } from './support/gateway.js';
import { openConnection } from './support/open-connection.js';

describeWithRealRedis('A client of a cluster', () => {
  let cluster: RedisTestCluster;
  const cleanups: (() => unknown)[] = [];
  beforeAll(async () => {
    cluster = await startCluster();
  });
  afterAll(() => cluster.stop());
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function open(options: RedisModuleOptions) {
    const connection = await openConnection({ shutdownTimeout: '100ms', ...options });
    cleanups.push(() => connection.close());
    return { ...connection, client: connection.client as Cluster };
  }

  async function openGateways() {
    const gateways = await Promise.all(cluster.nodes.map((node) => Gateway.open(node)));
    for (const gateway of gateways) cleanups.push(() => gateway.close());
    return gateways;
  }

  const addresses = () => cluster.nodes.map(({ host, port }) => ({ host, port }));
  const primaryOf = (key: string, client: Cluster) =>
    client.nodes('master').find(({ options: { port } }) => {
      return client.slots[calculateSlot(key)]?.[0] === `127.0.0.1:${port}`;
    });

  it('reconnects through the nodes that it knew if the configured nodes are gone, also for further connections', async () => {
    const gateways = await openGateways();
    const { client, pool } = await open({
      clusterNodes: gateways.map(({ host, port }) => ({ host, port })),
    });
    await client.set('k', 'v');
    await Promise.all(client.nodes().map((node) => node.ping())); // connected to each
    for (const gateway of gateways) await gateway.close();
    await Promise.all(
      cluster.nodes.map((node) => sendCommand(node, 'CLIENT', 'KILL', 'TYPE', 'normal')),
    );
    await waitUntil('it has lost them all', () => Promise.resolve(client.status !== 'ready'));
    await waitUntil('it reads again', async () => (await client.get('k')) === 'v');
    expect(await pool.use((dedicated) => dedicated.get('k'))).toBe('v');
  });

  it('starts although some names of configured nodes cannot be resolved', async () => {
    const unresolvable = ['no..such.name', 'nor..this'].map((host) => ({ host, port: 6379 }));
    const { client } = await open({ clusterNodes: [...unresolvable, ...addresses().slice(0, 1)] });
    expect(await client.incr('started')).toBe(1);
  });

  it('replaces a dead connection to one node, and no other', async () => {
    const gateways = await openGateways();
    const natMap = Object.fromEntries(
      cluster.nodes.map(({ host, port }, i) => {
        const gateway = gateways[i] as Gateway;
        return [`${host}:${port}`, { host: gateway.host, port: gateway.port }];
      }),
    );
    const { client, events } = await open({
      clusterNodes: addresses(),
      silenceTimeout: '100ms',
      ioredisCluster: { natMap },
    });
    await client.set('k', 'v');
    const { port } = primaryOf('k', client)?.options ?? {};
    gateways.find((gateway) => gateway.port === port)?.strandAll();
    await waitUntil('it reads again', async () => (await client.get('k')) === 'v');
    expect(events.filter(({ type }) => type === 'connection.replaced')).toEqual([
      expect.objectContaining({ endpoint: `127.0.0.1:${port}`, reason: 'silent' }),
    ]);
  });

  it('replaces the connection to a node that says that it is a replica', async () => {
    const { client, events } = await open({ clusterNodes: addresses() });
    await waitUntil('the replicas are known', () => {
      return Promise.resolve(client.nodes('slave').length > 0);
    });
    const [replica] = client.nodes('slave') as [Redis];
    const refused = await caught(replica.eval("return redis.call('SET', 'k', 1)", 0));
    expect(refused).toMatchObject({ message: /READONLY/ });
    expect(events.filter(({ type }) => type === 'connection.replaced')).toEqual([
      expect.objectContaining({
        endpoint: `127.0.0.1:${replica.options.port}`,
        reason: 'read-only',
      }),
    ]);
    await waitUntil('it is used again', async () => (await client.incr('n')) > 0);
  });

  it('uses the replica that has replaced a frozen primary', async () => {
    const { client } = await open({ clusterNodes: addresses(), commandTimeout: '300ms' });
    await client.set('k', 'v');
    const frozen = cluster.nodes.find(({ port }) => primaryOf('k', client)?.options.port === port);
    frozen?.freeze();
    cleanups.push(() => frozen?.thaw());
    await waitUntil('it writes again', async () => (await client.incr('{k}n')) > 0);
  });
});
