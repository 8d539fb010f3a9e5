/** An event of a cache. It contains keys for the log, which shortens them, and never values. */
export type CacheEvent = InCache & CacheFacts;

/** The cache of an event. */
export interface InCache {
  /** The name of the cache's connection. */
  readonly connection: string;
  /** The name by which the cache is injected. */
  readonly cache: string;
}

type CacheFacts =
  | {
      /** A caller asked for a value; `result` says where it came from. */
      readonly type: 'cache.request';
      readonly key: string;
      readonly result: 'hit' | 'miss' | 'stale' | 'negative' | 'bypass';
    }
  | {
      /** A loader ended. */
      readonly type: 'cache.load';
      readonly key: string;
      readonly durationMs: number;
      /** The error that the loader threw; absent if it returned. */
      readonly error?: unknown;
      /**
       * What happened to the value. `lost`: only its callers got it, because the loader took longer than
       * its lease, or the entry was deleted meanwhile. `skipped`: it was not stored, because of the loader,
       * a `null` without `negativeTtl`, or a running change.
       */
      readonly outcome: 'filled' | 'lost' | 'skipped' | 'failed';
    }
  | {
      /** A caller has waited for the loader of another process. */
      readonly type: 'cache.lease-wait';
      readonly key: string;
      readonly durationMs: number;
    }
  | {
      /** Entries were invalidated, or their invalidation failed. */
      readonly type: 'cache.invalidation';
      /**
       * `change`: tags and keys of a call of `change` together. `outbox`: waiting invalidations were
       * delivered, or are lost with the process.
       */
      readonly by: 'tag' | 'key' | 'pattern' | 'change' | 'outbox';
      readonly count: number;
      readonly failed: number;
      /** The number of invalidations in the outbox, these included. */
      readonly pending: number;
    }
  | {
      /** The key of an entry holds something else. It counts as a miss. */
      readonly type: 'cache.corrupt';
      readonly key: string;
    }
  | {
      /** Redis failed during a call. A read goes on without Redis, unless the cache is `closed`. */
      readonly type: 'cache.failure';
      readonly key: string;
      readonly operation: 'read' | 'lease' | 'fill' | 'set' | 'delete' | 'change';
      readonly error: Error;
    }
  | {
      /** The circuit breaker opened: the cache bypasses Redis; or closed: it uses Redis again. */
      readonly type: 'cache.breaker';
      readonly state: 'open' | 'closed';
      /** The error that opened it. */
      readonly error?: Error;
    }
  | {
      /** Redis always answers later than a call waits, so nothing can be cached. Announced once. */
      readonly type: 'cache.too-far';
      /** The duration of the fastest of the latest replies. */
      readonly roundTripMs: number;
      /** The `timeout` of the cache. */
      readonly timeoutMs: number;
    };
