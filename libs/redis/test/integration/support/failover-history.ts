import { setTimeout as sleep } from 'node:timers/promises';
import { KeyBuilder, RedisCache } from '../../../src/index.js';
import { startCluster, type RedisTestServer } from '../../../src/testing/index.js';
import { sendCommand } from '../../../src/testing/redis-command.js';
import { waitUntil } from '../../../src/testing/wait-until.js';
import { openConnection } from './open-connection.js';
import { pickFrom, randomNumbers } from './random.js';

export interface FailoversOptions {
  readonly seed: number;
  /** Ends after so many reads. */
  readonly reads: number;
  /** How many replicas have to confirm an invalidation; 0 for none. */
  readonly replicas: number;
}

/** The outcome. */
export interface FailoversFigures {
  reads: number;
  /** Reads of a value that had been invalidated before, and whose invalidation was acknowledged. */
  stale: number;
  takeOvers: number;
  acknowledged: number;
  /** Invalidations that were rejected. They promise nothing. */
  rejected: number;
  seconds: number;
}

const KEYS = Array.from({ length: 60 }, (_, i) => i);
const PROCESSES = 3;
const READERS = 60;
const WRITERS = 3;
/** How long a replica hears nothing before it takes over. */
const DEAF_MS = 40;
const BETWEEN_MS = 400;

/** A value whose source changes. */
interface Source {
  value: number;
  /** The latest value whose invalidation was acknowledged. */
  floor: number;
}

/**
 * Reads and invalidates on a cluster of three primaries with a replica each, while replicas are frozen for a
 * moment and then take over by force: what the primary has acknowledged meanwhile is lost.
 */
export async function runFailovers(options: FailoversOptions): Promise<FailoversFigures> {
  const { seed, reads, replicas } = options;
  const random = randomNumbers(seed);
  const cluster = await startCluster();
  const keys = new KeyBuilder({ app: 'test', environment: `failovers${seed}` });
  const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  const connections = await Promise.all(
    Array.from({ length: PROCESSES }, () => openConnection({ clusterNodes })),
  );
  const invalidation = { replicas, timeout: '100ms' } as const;
  const caches = connections.map(({ client }) => new RedisCache(client, keys, { invalidation }));
  const sources = KEYS.map((): Source => ({ value: 0, floor: 0 }));
  const figures = { reads: 0, stale: 0, takeOvers: 0, acknowledged: 0, rejected: 0, seconds: 0 };
  const startedAt = performance.now();
  const isOver = () => figures.reads >= reads;

  const read = async () => {
    while (!isOver()) {
      const key = pickFrom(random, KEYS);
      const source = sources[key] as Source;
      const { floor } = source;
      const tags = [`t${key}`];
      const load = () => source.value;
      const value = await pickFrom(random, caches).getOrLoad(['key', key], load, { tags });
      figures.reads++;
      if (value < floor) figures.stale++;
      await sleep(random() * 2);
    }
  };
  const write = async (writer: number) => {
    const own = KEYS.filter((key) => key % WRITERS === writer);
    while (!isOver()) {
      const key = pickFrom(random, own);
      const source = sources[key] as Source;
      const value = ++source.value;
      try {
        await pickFrom(random, caches).invalidateTags(`t${key}`);
        source.floor = value;
        figures.acknowledged++;
      } catch {
        figures.rejected++;
      }
      await sleep(random() * 6);
    }
  };
  const takeOver = async () => {
    while (!isOver()) {
      await sleep(BETWEEN_MS);
      await takeOverFrom(cluster.nodes, random);
      figures.takeOvers++;
    }
  };

  try {
    const jobs = [
      ...Array.from({ length: READERS }, read),
      ...Array.from({ length: WRITERS }, (_, writer) => write(writer)),
      takeOver(),
    ];
    await Promise.all(jobs);
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
    await cluster.stop();
  }
  return { ...figures, seconds: Math.round((performance.now() - startedAt) / 1_000) };
}

/** One replica misses what happens for a moment, and becomes the primary. Its former primary follows it. */
async function takeOverFrom(nodes: readonly RedisTestServer[], random: () => number) {
  let followers: RedisTestServer[] = [];
  await waitUntil('each primary has a replica that follows it', async () => {
    const states = await Promise.all(nodes.map((node) => sendCommand(node, 'INFO', 'replication')));
    followers = nodes.filter((_, i) => /role:slave[^]*link_status:up/.test(String(states[i])));
    return followers.length * 2 === nodes.length;
  });
  const promoted = pickFrom(random, followers);
  promoted.freeze();
  await sleep(DEAF_MS);
  promoted.thaw();
  await sendCommand(promoted, 'CLUSTER', 'FAILOVER', 'TAKEOVER');
}
