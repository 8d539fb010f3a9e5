import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Cluster } from 'ioredis';
import { startCluster, type RedisTestCluster } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { addressesOf, untilReport, useHealthStage, type LookedAt } from './support/health-stage.js';
import { recordCommands } from './support/record-commands.js';
import { SOON_MS, timed } from '../../../../test/support/time.js';

const AWAY = 'some primaries of the cluster are not connected, or do not answer';

/** Whether a cluster that has lost slots refuses everything. */
const FULL_COVERAGE = ['CONFIG', 'SET', 'cluster-require-full-coverage'];

const stage = useHealthStage();

function openOn(cluster: RedisTestCluster, options: object = {}): Promise<LookedAt> {
  return stage.open({ clusterNodes: addressesOf(cluster.nodes), ...options });
}

async function onEachNode(cluster: RedisTestCluster, ...command: string[]): Promise<void> {
  for (const node of cluster.nodes) await sendCommand(node, ...command);
}

/** Again and again: a node that hears of the slots from their owner, a little late, takes them back. */
async function loseSlots(cluster: RedisTestCluster, ...slots: string[]): Promise<void> {
  await waitUntil('no node knows an owner of the slots', async () => {
    const left = await Promise.all(
      cluster.nodes.map(async (node) => {
        await sendCommand(node, 'CLUSTER', 'DELSLOTS', ...slots).catch(() => undefined);
        return /cluster_slots_assigned:(\d+)/.exec(
          String(await sendCommand(node, 'CLUSTER', 'INFO')),
        )?.[1];
      }),
    );
    return left.every((count) => Number(count) === 16_384 - slots.length);
  });
}

describeWithRealRedis('RedisHealthIndicator in a cluster', () => {
  describe('of three primaries', () => {
    let cluster: RedisTestCluster;
    beforeAll(async () => {
      cluster = await startCluster({ replicas: false });
    });
    afterAll(() => cluster.stop());

    /** The servers, one by one. */
    const primary = (index: number) => {
      const server = cluster.primaries[index];
      if (!server) throw new Error(`no primary ${index}`);
      return server;
    };

    /** How many connections each has, without the one that asks. */
    const connections = () =>
      Promise.all(
        cluster.primaries.map(async (server) => {
          const list = String(await sendCommand(server, 'CLIENT', 'LIST', 'TYPE', 'NORMAL'));
          return list.trim().split('\n').length - 1;
        }),
      );

    it('checks each primary, and connects the client to those that it has not used yet', async () => {
      const { indicator, client } = await openOn(cluster);
      const nodes = (client() as Cluster).nodes('master');
      expect(nodes.map(({ status }) => status)).toContain('wait');
      expect(await indicator.isHealthy()).toEqual({
        redis: {
          status: 'up',
          primaries: 3,
          primariesAway: 0,
          failedNodes: 0,
          slotsNotServed: 0,
          usedMemoryBytes: expect.any(Number),
        },
      });
      expect(nodes.map(({ status }) => status)).toEqual(['ready', 'ready', 'ready']);
      const before = await connections();
      for (let i = 0; i < 10; i++) await indicator.checkAll();
      const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`);
      await Promise.all(keys.map((key) => client().get(key))); // over the same connections
      expect(await connections()).toEqual(before);
    });

    it('sends commands like the application: with events and a deadline', async () => {
      await onEachNode(cluster, ...FULL_COVERAGE, 'no');
      const { indicator, client } = await openOn(cluster, { commandTimeout: '1500ms' });
      const record = recordCommands(client());
      await indicator.isHealthy();
      const asked = [
        'cluster',
        ...['ping', 'info', 'info', 'cluster'].flatMap((one) => [one, one, one]),
      ];
      expect(record.names().sort()).toEqual(asked.sort());
      primary(1).freeze();
      const { redis } = await indicator.isHealthy('redis', { timeout: '1s' });
      expect(redis).toMatchObject({ status: 'degraded', primariesAway: 1 });
      const late = record.sent.slice(asked.length).map(({ promise }) => promise);
      const ended = await Promise.allSettled(late); // the server is frozen still
      expect(ended.filter(({ status }) => status === 'rejected')).not.toHaveLength(0);
      primary(1).thaw();
      await onEachNode(cluster, ...FULL_COVERAGE, 'yes');
    });

    it('also finds a missing primary that is known by another address', async () => {
      const natMap = Object.fromEntries(
        cluster.nodes.map(({ host, port }) => [`${host}:${port}`, { host: 'localhost', port }]),
      );
      for (const map of [natMap, (address: string) => natMap[address] ?? null]) {
        const looked = await openOn(cluster, { ioredisCluster: { natMap: map } });
        await untilReport(looked, { status: 'up', primaries: 3 });
        await sendCommand(primary(1), 'CLIENT', 'KILL', 'TYPE', 'normal');
        const report = await untilReport(looked, { status: 'degraded', primariesAway: 1 });
        expect(report).toMatchObject({ primaries: 3 });
      }
    });

    it('is degraded while the memory of one primary is nearly full', async () => {
      const { indicator } = await openOn(cluster);
      await sendCommand(primary(2), 'CONFIG', 'SET', 'maxmemory', '100kb');
      expect(await indicator.isHealthy()).toMatchObject({
        redis: {
          status: 'degraded',
          maxMemoryBytes: 102_400,
          reasons: ['the memory is nearly full'],
        },
      });
      await sendCommand(primary(2), 'CONFIG', 'SET', 'maxmemory', '0');
      expect(await indicator.isHealthy()).toMatchObject({ redis: { status: 'up' } });
    });

    it('lists what it did not check', async () => {
      // Redis 6 knows permitted subcommands, and no forbidden ones.
      const rules = ['-cluster', '+cluster|slots', '+cluster|info', '-info'];
      const user = ['on', '>hunter2', '~*', '+@all', ...rules];
      await onEachNode(cluster, 'ACL', 'SETUSER', 'probe', ...user);
      const { indicator, client } = await openOn(cluster, {
        username: 'probe',
        password: 'hunter2',
        ioredis: { enableReadyCheck: false }, // it would ask INFO, and print a warning
      });
      const record = recordCommands(client());
      for (let i = 0; i < 3; i++) {
        expect(await indicator.isHealthy()).toEqual({
          redis: {
            status: 'up',
            primaries: 3,
            primariesAway: 0,
            slotsNotServed: 0,
            notChecked: ['memory', 'replication', 'cluster'],
          },
        });
      }
      const refused = record.sent.filter(
        ({ name, args }) => name === 'info' || args.some((one) => String(one) === 'NODES'),
      );
      expect(refused).toHaveLength(2 * 3 + 1);
    });

    it('is degraded without a connection to one primary, until a command opens a new one', async () => {
      const looked = await openOn(cluster);
      await untilReport(looked, { status: 'up' });
      await sendCommand(primary(1), 'CLIENT', 'KILL', 'TYPE', 'normal');
      expect(
        await untilReport(looked, { status: 'degraded', primaries: 3, primariesAway: 1 }),
      ).toMatchObject({ failedNodes: 0, slotsNotServed: 0, reasons: [AWAY] });
      const keys = Array.from({ length: 30 }, (_, i) => `key-${i}`);
      await Promise.all(keys.map((key) => looked.client().get(key)));
      await untilReport(looked, { status: 'up', primaries: 3 });
    });

    it('is degraded in time while one primary is frozen, and up afterwards', async () => {
      await onEachNode(cluster, ...FULL_COVERAGE, 'no');
      const looked = await openOn(cluster);
      await untilReport(looked, { status: 'up' });
      primary(1).freeze();
      const { ms, result } = await timed(() =>
        looked.indicator.isHealthy('redis', { timeout: '1s' }),
      );
      expect(ms).toBeLessThan(SOON_MS);
      expect(result).toMatchObject({
        redis: {
          status: 'degraded',
          primaries: 3,
          primariesAway: 1,
          reasons: expect.arrayContaining([AWAY]),
        },
      });
      primary(1).thaw();
      await untilReport(looked, { status: 'up', primariesAway: 0, failedNodes: 0 });
      await onEachNode(cluster, ...FULL_COVERAGE, 'yes');
    });

    it('is down if missing slots stop the whole cluster, else degraded', async () => {
      const looked = await openOn(cluster);
      await loseSlots(cluster, '1', '2');
      await untilReport(looked, { status: 'down', message: 'the cluster is down' });
      await onEachNode(cluster, ...FULL_COVERAGE, 'no');
      const expected = { status: 'degraded', slotsNotServed: 2, primariesAway: 0 };
      expect(await untilReport(looked, expected)).toMatchObject({
        reasons: ['some hash slots of the cluster are not served'],
      });
    });
  });

  it('counts failed nodes until they are back', async () => {
    const cluster = await stage.keep(startCluster());
    const looked = await openOn(cluster);
    await untilReport(looked, { status: 'up', failedNodes: 0 });

    await cluster.replicas[0]?.kill();
    expect(await untilReport(looked, { status: 'degraded', failedNodes: 1 })).toMatchObject({
      reasons: ['a node of the cluster has failed'],
    });
    await cluster.replicas[0]?.restart();
    await untilReport(looked, { status: 'up', failedNodes: 0 });

    // Once a replica has taken over nothing is lost, though no command has told the client so yet.
    await cluster.primaries[1]?.kill();
    expect(
      await untilReport(looked, {
        status: 'degraded',
        failedNodes: 1,
        primariesAway: 0,
        slotsNotServed: 0, // as soon as the replica has taken them
      }),
    ).toMatchObject({ reasons: ['a node of the cluster has failed'] });
  });
});
