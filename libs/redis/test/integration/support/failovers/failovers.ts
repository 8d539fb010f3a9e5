import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisTestServer } from '../../../../src/testing/index.js';
import { sendCommand } from '../../../../src/testing/redis-command.js';
import { waitUntil } from '../../../../src/testing/wait-until.js';
import { pickFrom } from '../random.js';

/** How long a replica hears nothing before it takes over by force. */
const DEAF_MS = 40;

/** Makes a replica the primary of its shard. Resolves when it is. */
type Failover = (replica: RedisTestServer, primary: RedisTestServer) => Promise<void>;

/** By name, all ways in which a replica becomes the primary. */
export const failovers = {
  /** The replica misses what happens for a moment, and takes over. Its former primary follows it. */
  forced: async (replica) => {
    replica.freeze();
    await sleep(DEAF_MS);
    replica.thaw();
    await sendCommand(replica, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
    await isPrimary(replica);
  },
  /** The primary waits until the replica has everything, and hands over. */
  orderly: async (replica) => {
    await sendCommand(replica, 'CLUSTER', 'FAILOVER');
    await isPrimary(replica);
  },
  /** The primary dies, the others elect the replica, and the primary comes back. */
  killed: async (replica, primary) => {
    await primary.kill();
    await isPrimary(replica);
    await primary.restart();
  },
} satisfies Record<string, Failover>;

export type FailoverKind = keyof typeof failovers;

/** A replica of the cluster takes over as soon as all primaries have one that follows them. */
export async function failOver(
  nodes: readonly RedisTestServer[],
  kind: FailoverKind,
  random: () => number,
): Promise<void> {
  const pairs = await followedPrimaries(nodes);
  const { replica, primary } = pickFrom(random, pairs);
  await failovers[kind](replica, primary);
}

interface Pair {
  readonly replica: RedisTestServer;
  readonly primary: RedisTestServer;
}

async function followedPrimaries(nodes: readonly RedisTestServer[]): Promise<Pair[]> {
  let pairs: Pair[] = [];
  await waitUntil('each primary has a replica that follows it', async () => {
    const states = await Promise.all(nodes.map((node) => sendCommand(node, 'INFO', 'replication')));
    pairs = nodes.flatMap((replica, i) => {
      const isUp = /role:slave[^]*link_status:up/.test(String(states[i]));
      const port = Number(/master_port:(\d+)/.exec(String(states[i]))?.[1]);
      const primary = nodes.find((node) => node.port === port);
      return isUp && primary ? [{ replica, primary }] : [];
    });
    return pairs.length * 2 === nodes.length;
  });
  return pairs;
}

function isPrimary(node: RedisTestServer): Promise<void> {
  return waitUntil('the replica is the primary', async () =>
    String(await sendCommand(node, 'ROLE')).startsWith('master'),
  );
}
