import { setTimeout as sleep } from 'node:timers/promises';
import { KeyBuilder, RedisCache } from '../../../../src/index.js';
import { startCluster } from '../../../../src/testing/index.js';
import { openConnection } from '../open-connection.js';
import { pickFrom, randomNumbers } from '../random.js';
import { ChangingValue } from './changing-value.js';
import { failOver, type FailoverKind } from './failovers.js';

export interface FailoversOptions {
  readonly seed: number;
  /** Ends after so many reads. */
  readonly reads: number;
  /** How many replicas have to confirm an invalidation; 0 for none. */
  readonly replicas: number;
  /** Whether caches have near copies, which may be stale for 100 ms. */
  readonly near: boolean;
  /** The ways in which replicas take over, in turn. */
  readonly kinds: readonly FailoverKind[];
}

/** The outcome. */
export interface FailoversFigures {
  reads: number;
  /** Those of them that the near copy answered. */
  nearReads: number;
  /** Reads of a value that had been invalidated before, and whose invalidation was acknowledged. */
  stale: number;
  /** Those of them that the near copy answered, later than it may. */
  nearStale: number;
  failovers: number;
  acknowledged: number;
  /** Invalidations that were rejected. They promise nothing. */
  rejected: number;
  seconds: number;
}

const KEYS = Array.from({ length: 60 }, (_, i) => i);
const PROCESSES = 3;
const READERS = 60;
/** So many that there are others while some wait for a dead server. */
const WRITERS = 12;
const BETWEEN_MS = 400;
const STALENESS_MS = 100;
/** How long a writer rests, at most: near copies are to be of use in between. */
const REST_MS = { near: 120, far: 24 };

/**
 * Reads and invalidates on a cluster of three primaries with a replica each, while replicas take over: by
 * force after they have missed something, in order, and after the death of their primary.
 */
export async function runFailovers(options: FailoversOptions): Promise<FailoversFigures> {
  const { seed, reads, replicas, near, kinds } = options;
  const random = randomNumbers(seed);
  const cluster = await startCluster();
  const keys = new KeyBuilder({ app: 'test', environment: `failovers${seed}` });
  const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  const connections = await Promise.all(
    Array.from({ length: PROCESSES }, () => openConnection({ clusterNodes })),
  );
  const caches = connections.map(
    ({ client }) =>
      new RedisCache(client, keys, {
        invalidation: { replicas, timeout: '100ms' },
        ...(near && { near: { maxBytes: 2 ** 20, staleness: `${STALENESS_MS}ms` } }),
      }),
  );
  const values = KEYS.map(() => new ChangingValue(STALENESS_MS));
  const figures: FailoversFigures = {
    reads: 0,
    nearReads: 0,
    stale: 0,
    nearStale: 0,
    failovers: 0,
    acknowledged: 0,
    rejected: 0,
    seconds: 0,
  };
  const startedAt = performance.now();
  const isOver = () => figures.reads >= reads;

  const read = async () => {
    while (!isOver()) {
      const key = pickFrom(random, KEYS);
      const cache = pickFrom(random, caches);
      const value = values[key] as ChangingValue;
      const tags = [`t${key}`];
      const beganAt = performance.now();
      const found = near ? cache.near<number>(['key', key], { tags }) : undefined;
      const floor = value.floor(beganAt, found ? STALENESS_MS : 0);
      const load = () => value.current;
      const seen = found ? found.value : await cache.getOrLoad(['key', key], load, { tags });
      figures.reads++;
      if (found) figures.nearReads++;
      if (seen < floor) figures[found ? 'nearStale' : 'stale']++;
      await sleep(random() * 2);
    }
  };
  const write = async (writer: number) => {
    const own = KEYS.filter((key) => key % WRITERS === writer);
    while (!isOver()) {
      const key = pickFrom(random, own);
      const value = values[key] as ChangingValue;
      const next = value.change();
      try {
        await pickFrom(random, caches).invalidateTags(`t${key}`);
        value.acknowledge(next);
        figures.acknowledged++;
      } catch {
        figures.rejected++;
      }
      await sleep(random() * (near ? REST_MS.near : REST_MS.far));
    }
  };
  const harm = async () => {
    while (!isOver()) {
      await sleep(BETWEEN_MS);
      const kind = kinds[figures.failovers % kinds.length] as FailoverKind;
      await failOver(cluster.nodes, kind, random);
      figures.failovers++;
    }
  };

  try {
    const jobs = [
      ...Array.from({ length: READERS }, read),
      ...Array.from({ length: WRITERS }, (_, writer) => write(writer)),
      harm(),
    ];
    await Promise.all(jobs);
  } finally {
    await Promise.all(connections.map((connection) => connection.close()));
    await cluster.stop();
  }
  return { ...figures, seconds: Math.round((performance.now() - startedAt) / 1_000) };
}
