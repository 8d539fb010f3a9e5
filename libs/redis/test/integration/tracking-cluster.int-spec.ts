import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import calculateSlot from 'cluster-key-slot';
import {
  startCluster,
  type RedisTestCluster,
  type RedisTestServer,
} from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { eventually } from '../../../../test/support/time.js';
import { openConnection } from './support/open-connection.js';
import { track, trackOver } from './support/tracked.js';

describeWithRealRedis('Tracking a cluster', () => {
  let servers: RedisTestCluster;
  beforeAll(async () => {
    servers = await startCluster();
  });
  afterAll(() => servers.stop());

  const open = () =>
    track({ clusterNodes: servers.nodes.map(({ host, port }) => ({ host, port })) });

  it('hears the changes of each primary, and knows which link has a key', async () => {
    await using tracked = await open();
    await tracked.armed();
    expect([...tracked.tracking.links].map(({ node }) => node).sort()).toEqual(
      servers.primaries.map(({ host, port }) => `${host}:${port}`).sort(),
    );
    const keys = Array.from({ length: 20 }, (_, i) => `cache:app:test:${i}`);
    for (const key of keys) await tracked.client.set(key, '1');
    await eventually(() => {
      expect([...tracked.keys].sort()).toEqual([...keys].sort());
    });
    const used = new Set(keys.map((key) => tracked.tracking.linkOf(key)?.node));
    expect(used.size).toBe(3);
  });

  it('follows a slot that moves with its keys, and notices redirections on the way', async () => {
    await using tracked = await open();
    await using reader = await open();
    await tracked.armed();
    const key = 'cache:app:test:{moving}:a';
    await tracked.client.set(key, '1');
    const slot = calculateSlot(key);
    const from = servers.primaries.find(({ port }) =>
      tracked.tracking.linkOf(key)?.node.endsWith(`:${port}`),
    ) as RedisTestServer;
    const to = servers.primaries.find((one) => one !== from) as RedisTestServer;
    const [fromId, toId] = await Promise.all(
      [from, to].map((node) => sendCommand(node, 'CLUSTER', 'MYID')),
    );
    const setSlot = (node: RedisTestServer, ...rest: string[]) =>
      sendCommand(node, 'CLUSTER', 'SETSLOT', String(slot), ...rest);
    await setSlot(to, 'IMPORTING', String(fromId));
    await setSlot(from, 'MIGRATING', String(toId));
    await sendCommand(from, 'MIGRATE', to.host, String(to.port), key, '0', '1000');
    await eventually(() => {
      expect(tracked.keys.filter((one) => one === key).length).toBeGreaterThanOrEqual(2);
    });
    expect(tracked.heard).not.toContain('redirected');
    expect(await tracked.client.get(key)).toBe('1');
    expect(tracked.heard).toContain('redirected');
    await Promise.all([to, from].map((node) => setSlot(node, 'NODE', String(toId))));
    tracked.moved.clear();
    expect(await tracked.client.get(key)).toBe('1'); // MOVED
    await tracked.hears('moved');
    expect([...tracked.moved]).toEqual([slot]);
    expect(tracked.tracking.linkOf(key)?.node).toBe(`${to.host}:${to.port}`);
    await tracked.armed();
    await reader.client.set(key, '2');
    const heard = tracked.keys.length;
    await reader.client.set(key, '3');
    await eventually(() => {
      expect(tracked.keys.slice(heard)).toContain(key);
    });
  });

  it('tells which slots have moved when a replica takes over, and follows the new owner', async () => {
    await using tracked = await open();
    await tracked.armed();
    const [primary] = servers.primaries;
    const [replica] = servers.replicas;
    const former = `${primary?.host}:${primary?.port}`;
    const link = [...tracked.tracking.links].find(({ node }) => node === former);
    const epoch = link?.epoch ?? NaN;
    await sendCommand(replica as RedisTestServer, 'CLUSTER', 'FAILOVER');
    await tracked.hears(`lost ${former}`);
    await tracked.hears(`armed ${replica?.host}:${replica?.port}`);
    expect(link?.epoch).toBeGreaterThan(epoch);
    expect(link).toMatchObject({ isArmed: false, provenAt: -Infinity });
    await tracked.armed();
    expect(tracked.moved.size).toBeGreaterThan(5_000);
    const nodes = [...tracked.tracking.links].map(({ node }) => node);
    expect(nodes).not.toContain(former);
    expect(nodes).toHaveLength(3);
  });

  it('finds out that a server was demoted without a command of a caller', async () => {
    const connection = await openConnection({
      clusterNodes: servers.nodes.map(({ host, port }) => ({ host, port })),
      ioredisCluster: { slotsRefreshInterval: 3_600_000 },
    });
    await using tracked = trackOver(connection);
    await tracked.armed();
    const [, primary] = servers.primaries;
    const [, replica] = servers.replicas;
    await sendCommand(replica as RedisTestServer, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
    await tracked.hears(`lost ${primary?.host}:${primary?.port}`);
    await tracked.hears(`armed ${replica?.host}:${replica?.port}`);
    await tracked.armed();
    expect([...tracked.tracking.links].map(({ node }) => node)).not.toContain(
      `${primary?.host}:${primary?.port}`,
    );
  });

  it('is unavailable where replicas answer reads, which lag behind the pushes', async () => {
    const clusterNodes = servers.nodes.map(({ host, port }) => ({ host, port }));
    await using tracked = await track({ clusterNodes, ioredisCluster: { scaleReads: 'slave' } });
    tracked.tracking.open();
    await eventually(() => {
      expect(tracked.tracking.state).toMatchObject({
        isArmed: false,
        reason: 'Replicas answer the reads (scaleReads).', // also of the link that was made last
      });
    });
    expect(tracked.heard).not.toContainEqual(expect.stringMatching(/^armed/));
  });

  it('has no links once it is closed', async () => {
    const tracked = await open();
    await tracked.armed();
    await tracked.close();
    await tracked.tracking.close();
    expect([...tracked.tracking.links]).toEqual([]);
  });

  it('is lost for the server of a cluster that is frozen, and for no other one', async () => {
    await using cluster = await startCluster({ replicas: false });
    for (const node of cluster.nodes) {
      await sendCommand(node, 'CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
    }
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    await using tracked = await track({ clusterNodes }, 20);
    await tracked.armed();
    const [frozen] = cluster.primaries as [RedisTestServer];
    const name = `${frozen.host}:${frozen.port}`;
    frozen.freeze();
    await tracked.hears(`lost ${name}`);
    const others = [...tracked.tracking.links].filter(({ node }) => node !== name);
    expect(others.map(({ isArmed }) => isArmed)).toEqual([true, true]);
    frozen.thaw();
    await tracked.armed();
  });
});
