import type { LoadRequest } from './load-request.js';
import { liveMsOf } from '../entry/envelope.js';
import { hasGaps } from '../entry/writers.js';
import { RedisAway } from '../outage/waiting.js';
import type { CacheStore } from '../store/cache-store.js';
import type { Lease } from './lease.js';
import type { LoadSource } from './load-run.js';
import type { RedisCalls } from './redis-calls.js';

/**
 * How a loader gets at Redis while it runs.
 *
 * @param lease that of the load; `undefined` if there is none: then nothing has to be captured
 * @internal
 */
export function loadSource(
  { policy }: LoadRequest,
  calls: RedisCalls,
  lease: Lease | undefined,
): LoadSource {
  const liveMs = liveMsOf(policy.ttlMs, policy) + policy.loadTimeoutMs;
  return {
    capture: async (dependencies) => {
      if (!lease) return undefined;
      const keys = dependencies.map(({ key }) => key);
      const capture = (store: CacheStore) => store.capture(dependencies, liveMs);
      const versions = await calls.attempt('lease', keys, capture).catch(unlessAway);
      // It will not be stored: others need not wait for it.
      if (versions && hasGaps(versions)) lease.release();
      return versions;
    },
    readContent: async (key) => {
      try {
        return await calls.attempt('read', [key], (store) => store.readContent(key));
      } catch (error) {
        throw error instanceof RedisAway ? error.error : error; // it is the loader's now
      }
    },
  };
}

/** @throws the error if it is not that Redis is away */
function unlessAway(error: unknown): undefined {
  if (!(error instanceof RedisAway)) throw error;
  return undefined;
}
