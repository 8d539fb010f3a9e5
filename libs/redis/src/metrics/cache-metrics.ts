import type { RedisEventHandlers, RedisEventOf } from '../telemetry/telemetry.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { Counter, Histogram } from './series.js';

/** Counts requests, loads, waits and invalidations of caches. */
export class CacheMetrics {
  readonly #requests = new Counter(DEFINITIONS.cacheRequests);
  readonly #loads = new Histogram(DEFINITIONS.cacheLoadDuration);
  readonly #invalidations = new Counter(DEFINITIONS.cacheInvalidations, () => {
    this.#beginInvalidations();
  });
  readonly #leaseWaits = new Histogram(DEFINITIONS.cacheLeaseWait);

  readonly exposed: readonly ExposedMetric[] = [
    this.#requests.exposed,
    this.#loads.exposed,
    this.#invalidations.exposed,
    this.#leaseWaits.exposed,
  ];

  readonly handlers: RedisEventHandlers = {
    'cache.request': ({ cache, result }) => {
      this.#requests.add(1, cache, result);
    },
    'cache.load': ({ cache, durationMs, outcome }) => {
      this.#loads.observe(durationMs / 1_000, cache, outcome);
    },
    'cache.invalidation': (event) => {
      this.#countInvalidations(event);
    },
    'cache.lease-wait': ({ cache, durationMs }) => {
      this.#leaseWaits.observe(durationMs / 1_000, cache);
    },
  };

  #countInvalidations(event: RedisEventOf<'cache.invalidation'>): void {
    const { cache, by, count, failed } = event;
    // Counted when the application asked for it. A loss happens at exit, after the last scrape.
    if (by === 'outbox') return;
    // For a pattern `count` is the number of deleted entries; for tags and keys it includes failed ones.
    const done = by === 'pattern' ? count : count - failed;
    this.#invalidations.add(done, cache, by, 'success');
    this.#invalidations.add(failed, cache, by, 'error');
  }

  /** Shows 0 for each kind and outcome of every known cache, so that the first failure is an increase. */
  #beginInvalidations(): void {
    for (const cache of [...this.#requests.firstLabels, ...this.#invalidations.firstLabels]) {
      for (const by of ['tag', 'key', 'pattern', 'change']) {
        this.#invalidations.add(0, cache, by, 'success');
        this.#invalidations.add(0, cache, by, 'error');
      }
    }
  }
}
