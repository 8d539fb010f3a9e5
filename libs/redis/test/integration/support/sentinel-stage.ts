import type { Redis } from 'ioredis';
import { startSentinel, type RedisTestSentinel } from '../../../src/testing/index.js';
import { sendCommand } from '../../../src/testing/redis-command.js';

/** Sentinels that announce and set right as slowly as in production: up to 10 s after a failover. */
export async function startSlowSentinel(): Promise<RedisTestSentinel> {
  const topology = await startSentinel();
  const slow = ['INFO-PERIOD', '10000', 'PUBLISH-PERIOD', '2000'];
  await Promise.all(
    topology.sentinels.map((sentinel) =>
      // Redis before 7.0 refuses it, and is as slow as that.
      sendCommand(sentinel, 'SENTINEL', 'DEBUG', ...slow).catch(() => null),
    ),
  );
  return topology;
}

/** An INCR that succeeded. */
export interface Acknowledged {
  readonly value: number;
  /** On the clock of `performance.now()`. */
  readonly at: number;
}

/** Increments one key, one call after the other, until it is stopped. */
export function keepCounting(client: Redis, key: string) {
  const acknowledged: Acknowledged[] = [];
  const stopping = new AbortController();
  const counting = (async () => {
    while (!stopping.signal.aborted) {
      try {
        const value = await client.incr(key);
        acknowledged.push({ value, at: performance.now() });
      } catch {
        // interrupted: the next one goes to the next primary
      }
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  return {
    acknowledged,
    stop: () => {
      stopping.abort();
      return counting;
    },
  };
}
