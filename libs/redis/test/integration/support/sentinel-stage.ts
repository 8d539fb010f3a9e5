import type { Redis } from 'ioredis';
import { isBefore7 } from '../../../../../test/support/real-redis.js';
import { startSentinel, type RedisTestSentinel } from '../../../src/testing/index.js';
import { sendCommand } from '../../../src/testing/redis-command.js';

/** Sentinels that announce and set right as slowly as in production: up to 10 s after a failover. */
export async function startSlowSentinel(): Promise<RedisTestSentinel> {
  const topology = await startSentinel();
  const slow = ['INFO-PERIOD', '10000', 'PUBLISH-PERIOD', '2000'];
  if (isBefore7) return topology; // it is as slow as that, and does not know SENTINEL DEBUG
  await Promise.all(
    topology.sentinels.map((sentinel) => sendCommand(sentinel, 'SENTINEL', 'DEBUG', ...slow)),
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
