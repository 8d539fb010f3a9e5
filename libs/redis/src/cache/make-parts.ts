import { connectionOf } from '../connection/connection.js';
import type { RedisClient } from '../connection/options/options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { CacheAnnouncer } from './cache-announcer.js';
import type { CacheParts } from './load/load-request.js';
import type { ResolvedCacheOptions } from './cache-policy.js';
import { Dependencies } from './entry/dependencies.js';
import { LoadTracing } from './load/load-tracing.js';
import { LoadGate } from './outage/load-gate.js';
import { OutageGuard } from './outage/outage-guard.js';
import { Outbox } from './outage/outbox.js';
import { CacheStore } from './store/cache-store.js';
import { EntryReader } from './store/entry-reader.js';

/** How a cache is told about. */
export interface CacheAnnouncement {
  /** Its name in logs, metrics and traces; that of its options, unless it is injected by another. */
  readonly announcedAs?: string;
  /** Who is told; those who hear of its client, unless somebody else made that. */
  readonly telemetry?: Telemetry;
}

/**
 * Puts a cache together.
 *
 * @internal
 */
export function makeParts(
  client: RedisClient,
  keys: KeyBuilder,
  options: ResolvedCacheOptions,
  { announcedAs = options.name, telemetry = connectionOf(client).telemetry }: CacheAnnouncement,
): CacheParts {
  const { name: connection } = connectionOf(client);
  const announcer = new CacheAnnouncer({ connection, cache: announcedAs, telemetry });
  const store = new CacheStore(client);
  const dependencies = new Dependencies(keys);
  const guard = new OutageGuard(client, {
    ...options,
    onBreaker: (state, error) => {
      announcer.announce('cache.breaker', { state, ...(error && { error }) });
    },
    onTooFar: (roundTripMs) => {
      const { timeoutMs } = options.policy;
      announcer.announce('cache.too-far', { roundTripMs, timeoutMs });
    },
  });
  const outbox = Outbox.of(client);
  return {
    client,
    options,
    store,
    dependencies,
    outbox,
    announcer,
    tracing: new LoadTracing(announcedAs, telemetry.tracing),
    reader: new EntryReader(store, guard, dependencies, outbox, (key) => {
      announcer.announce('cache.corrupt', { key });
    }),
    guard,
    gate: new LoadGate(options.maxLoads),
  };
}
