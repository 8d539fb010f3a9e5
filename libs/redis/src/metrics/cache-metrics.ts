import type { RedisEventHandlers, RedisEventOf } from '../telemetry/telemetry.js';
import { Counter } from './series.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { Histogram } from './histogram.js';

/** What caches are asked for, and how long their loaders take. */
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
    // Counted when it was asked for; what is lost is lost when nobody scrapes any more.
    if (by === 'outbox') return;
    // Entries of a pattern are counted as they are deleted, until one fails; of tags and keys it is
    // known before how many there are.
    const done = by === 'pattern' ? count : count - failed;
    this.#invalidations.add(done, cache, by, 'success');
    this.#invalidations.add(failed, cache, by, 'error');
  }

  /** Each of them as 0 for a cache that was heard of, so that its first failure is seen as a change. */
  #beginInvalidations(): void {
    for (const cache of [...this.#requests.firstLabels, ...this.#invalidations.firstLabels]) {
      for (const by of ['tag', 'key', 'pattern', 'change']) {
        this.#invalidations.add(0, cache, by, 'success');
        this.#invalidations.add(0, cache, by, 'error');
      }
    }
  }
}
