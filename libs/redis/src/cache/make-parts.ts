import type { RedisClient } from '../connection/options/options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { CacheAnnouncer } from './cache-announcer.js';
import type { CacheParts } from './cache-parts.js';
import type { ResolvedCacheOptions } from './cache-policy.js';
import { Dependencies } from './entry/dependencies.js';
import { LoadTracing } from './load/load-tracing.js';
import { LoadGate } from './outage/load-gate.js';
import { OutageGuard } from './outage/outage-guard.js';
import { Outbox } from './outage/outbox.js';
import { CacheStore } from './store/cache-store.js';
import { EntryReader } from './store/entry-reader.js';

/**
 * Puts a cache together.
 *
 * @internal
 */
export function makeParts(
  client: RedisClient,
  keys: KeyBuilder,
  options: ResolvedCacheOptions,
  telemetry: Telemetry | undefined,
): CacheParts {
  const announcer = new CacheAnnouncer(options.name, telemetry);
  const store = new CacheStore(client);
  const dependencies = new Dependencies(keys);
  const guard = new OutageGuard(client, {
    ...options,
    onBreaker: (state, error) => {
      announcer.announce('cache.breaker', { state, ...(error && { error }) });
    },
  });
  const outbox = Outbox.of(client);
  return {
    options,
    store,
    dependencies,
    outbox,
    announcer,
    tracing: new LoadTracing(options.name, telemetry?.tracing),
    reader: new EntryReader(store, guard, dependencies, outbox, (key) => {
      announcer.announce('cache.corrupt', { key });
    }),
    guard,
    gate: new LoadGate(options.maxLoads),
  };
}
