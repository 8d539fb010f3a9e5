/** What happens in a cache. Keys are there for the log, which shortens them; values never are. */
export type CacheEvent = InCache & CacheFacts;

/** Where it happens. */
export interface InCache {
  /** The name of the connection that the cache is on. */
  readonly connection: string;
  /** The name that the cache is injected by. */
  readonly cache: string;
}

type CacheFacts =
  | {
      /** A value was asked for, and this is where it came from. */
      readonly type: 'cache.request';
      readonly key: string;
      readonly result: 'hit' | 'miss' | 'stale' | 'negative' | 'bypass';
    }
  | {
      /** A loader ended. */
      readonly type: 'cache.load';
      readonly key: string;
      readonly durationMs: number;
      /** What it threw; absent if it returned. */
      readonly error?: unknown;
      /**
       * What became of the value. `lost`: it took longer than its lease, or the entry was deleted
       * meanwhile, and it went to its callers only; `skipped`: the loader, a `null` without
       * `negativeTtl`, or a change under way kept it out.
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
      /** Entries were invalidated, or should have been. */
      readonly type: 'cache.invalidation';
      /**
       * `change`: by `change`, tags and keys together. `outbox`: some of what it held was delivered, or is
       * lost with the process.
       */
      readonly by: 'tag' | 'key' | 'pattern' | 'change' | 'outbox';
      readonly count: number;
      readonly failed: number;
      /** How many wait in the outbox, these included. */
      readonly pending: number;
    }
  | {
      /** Something else than an entry is stored where an entry should be; it counts as a miss. */
      readonly type: 'cache.corrupt';
      readonly key: string;
    }
  | {
      /** Redis failed during a call. A read goes on without it, unless the cache is `closed`. */
      readonly type: 'cache.failure';
      readonly key: string;
      readonly operation: 'read' | 'lease' | 'fill' | 'set' | 'delete' | 'change';
      readonly error: Error;
    }
  | {
      /** The breaker opened: Redis is left alone; or closed: it is asked again. */
      readonly type: 'cache.breaker';
      readonly state: 'open' | 'closed';
      /** What opened it. */
      readonly error?: Error;
    }
  | {
      /** Redis answers, and always later than a call waits: nothing can be cached. Said once. */
      readonly type: 'cache.too-far';
      /** How long the quickest of the latest replies took. */
      readonly roundTripMs: number;
      /** The `timeout` of the cache. */
      readonly timeoutMs: number;
    };
