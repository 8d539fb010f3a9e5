import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startCluster, type RedisTestCluster, type RedisTestServer } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { eventually } from '../../../../test/support/time.js';
import { track } from './support/tracked.js';

describe('Tracking a cluster', () => {
  let servers: RedisTestCluster;
  beforeAll(async () => {
    servers = await startCluster();
  });
  afterAll(() => servers.stop());

  const open = () => track({ clusterNodes: servers.nodes.map(({ host, port }) => ({ host, port })) });

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
});
