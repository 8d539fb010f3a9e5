import type { RedisClient } from '../../../src/connection/options/options.js';
import type { KeyBuilder } from '../../../src/index.js';
import { RedisCache } from '../../../src/cache/redis-cache.js';
import type { RedisCacheOptions } from '../../../src/cache/cache-options.js';
import { Telemetry } from '../../../src/telemetry/telemetry.js';
import type { CacheEvent } from '../../../src/telemetry/cache.events.js';

/** A cache, and what it announces. */
export interface ListenedCache {
  readonly cache: RedisCache;
  readonly events: readonly CacheEvent[];
  /** The events of one type. */
  of<Type extends CacheEvent['type']>(type: Type): Extract<CacheEvent, { type: Type }>[];
}

const TYPES = [
  'cache.request',
  'cache.load',
  'cache.lease-wait',
  'cache.invalidation',
  'cache.corrupt',
  'cache.failure',
  'cache.breaker',
  'cache.too-far',
] as const satisfies readonly CacheEvent['type'][];

/**
 * One of as many caches as a test wants: each like that of another process. Where a test does not say how
 * long it waits for Redis it is not about that, and a busy machine is no outage.
 */
export function listenedCache(
  client: RedisClient,
  keys: KeyBuilder,
  options: RedisCacheOptions = {},
): ListenedCache {
  const telemetry = new Telemetry();
  const events: CacheEvent[] = [];
  for (const type of TYPES)
    telemetry.subscribe({ [type]: (event: CacheEvent) => events.push(event) });
  return {
    cache: new RedisCache(client, keys, { timeout: '5s', ...options }, { telemetry }),
    events,
    of: (type) => events.filter((event) => event.type === type) as never,
  };
}
