import type { EntityDependency } from '../keys/entity-dependency.js';
import type { KeyPart } from '../keys/key-encoding.js';
import type { CacheSerializer } from '../serialization/cache-serializer.js';
import type { Duration } from '../time/duration.js';
import type { NearOptions } from './near-options.js';

/**
 * The name of an entry. A list of parts is safe for parts of any content: `['post', id]`. A text is
 * split at its colons, so `'post:5'` is the same as `['post', 5]`: do not put foreign ids into it. A key
 * that `KeyBuilder.cacheKey` has built is used as it is.
 *
 * @publicApi
 */
export type CacheKey = string | readonly [KeyPart, ...KeyPart[]];

/**
 * Something that a cached value was made from: an entity, from `RedisRepository.dependencyOn(id)`, or
 * any Redis key, by its content.
 *
 * @publicApi
 */
export type CacheDependency = string | EntityDependency;

/**
 * How long entries live, and how much a caller waits for: of a cache, or of one call.
 *
 * @publicApi
 */
export interface CachePolicy {
  /**
   * How long an entry is fresh.
   * @default the connection's `defaultTtl`, or '1h' where that is 'forever'
   */
  readonly ttl?: Duration | undefined;
  /**
   * How long after that it may still be served while one caller across all processes refreshes it. Never
   * applies to what was invalidated.
   * @default not at all
   */
  readonly staleFor?: Duration | undefined;
  /**
   * How long `null` and `undefined` are cached: "there is none" is an answer too.
   * @default not at all: the loader is asked each time
   */
  readonly negativeTtl?: Duration | undefined;
  /**
   * The part of `ttl` by which an entry may end earlier, at random, so that entries made together do
   * not end together. 0 to 1.
   * @default 0.1
   */
  readonly jitter?: number | undefined;
  /**
   * How long one call waits for Redis, all its commands together. After that it goes on without a
   * cache. Set it to more than twice the round trip, or misses load twice. A call waits as long, 240 ms at
   * least, for the loader of a process that gives no sign of life.
   * @default '250ms'
   */
  readonly timeout?: Duration | undefined;
  /**
   * How long a loader may take. After that its `signal` aborts and its callers get
   * RedisLoadTimeoutException.
   * @default '10s'
   */
  readonly loadTimeout?: Duration | undefined;
  /**
   * How long after `ttl` and `staleFor` an entry is kept, to be served if the loader fails. Never
   * applies to what was invalidated.
   * @default not at all: the loader's error is the caller's
   */
  readonly failSafe?: Duration | undefined;
}

/**
 * Says when an invalidation counts as done.
 *
 * @publicApi
 */
export interface CacheInvalidationOptions {
  /**
   * How many replicas must have an invalidation before it counts as done, so that a failover to one of them
   * cannot undo it. 0 to 100; 0 waits for none. Set it to the number of replicas that may be promoted.
   */
  readonly replicas: number;
  /**
   * How long the primary waits for the replicas. After that the call rejects. Comes on top of the `timeout`
   * of the cache, twice at most: once for an invalidation before it, once for its own.
   * @default '100ms'
   */
  readonly timeout?: Duration | undefined;
}

/** @publicApi */
export interface RedisCacheOptions extends CachePolicy {
  /**
   * Names the cache in metrics and logs, and is the first part of its keys, so that
   * `KeyBuilder.cacheKey(name, id)` is one of them. The cache `default` has no such part.
   * @default 'default'
   */
  readonly name?: string | undefined;
  /**
   * The policy when Redis does not answer: `'open'` goes on without a cache, `'closed'` throws what
   * Redis failed with, for loaders too expensive to be called without one.
   * @default 'open'
   */
  readonly onOutage?: 'open' | 'closed' | undefined;
  /**
   * How many loaders may run at once while Redis is away, or what they load is being changed. Further
   * ones wait for their turn, those of one key together. A load inside a load uses the place of the
   * outer one.
   * @default 64
   */
  readonly maxLoads?: number | undefined;
  /**
   * The number of timeouts and connection failures in a row after which Redis is not asked any more.
   * @default 5
   */
  readonly breakerThreshold?: number | undefined;
  /**
   * How long Redis is not asked then. After that one call tries again.
   * @default '1s'
   */
  readonly breakerCooldown?: Duration | undefined;
  /**
   * Whether invalidations that Redis did not acknowledge are kept in this process and repeated until it
   * does. They then succeed at once, and meanwhile this process serves nothing that depends on them.
   * Other processes may serve it until Redis has executed the invalidation.
   * @default false: they reject, and the caller decides
   */
  readonly outbox?: boolean | undefined;
  /**
   * How many replicas must have confirmed an invalidation, a `set` or the announcement of a `change` before it
   * counts as done. Without it a failover can undo what the primary has acknowledged and not yet passed on.
   * Costs a connection to each primary, and one round trip between primary and replicas for all that are sent
   * at the same time. Reads cost nothing more.
   * @default none: the primary is enough
   * @example { replicas: 1, timeout: '100ms' }
   */
  readonly invalidation?: CacheInvalidationOptions | undefined;
  /**
   * How long Redis remembers a change whose process gives no sign of life. Until then what depends on it
   * is loaded, and not cached. Set it to more than `timeout` and than any pause of a process, '1s' at least.
   * A process gives three signs of life in this time.
   * @default '10s'
   */
  readonly changeTtl?: Duration | undefined;
  /**
   * How values are stored, unless a call names a serializer. If this is changed, values that the other
   * serializer has stored are loaded again.
   * @default `jsonSerializer`. What JSON does not bring back equal, such as a `Date`, is refused
   */
  readonly serializer?: CacheSerializer<unknown> | undefined;
  /**
   * Keeps values in the process, too, within bounds of memory and staleness. The first thing to switch on
   * where reads dominate. `false` for a cache whose connection has one for its caches.
   * @default none: each hit is a round trip
   * @example { maxBytes: 64 * 2 ** 20, staleness: '500ms' }
   */
  readonly near?: NearOptions | false | undefined;
}

/** @publicApi */
export interface GetOrLoadOptions<T = unknown> extends CachePolicy {
  /** Names under which the value can be invalidated, captured before the loader is called. */
  readonly tags?: readonly KeyPart[] | undefined;
  /** The sources of the value, captured before the loader is called. */
  readonly dependsOn?: readonly CacheDependency[] | undefined;
  /**
   * Ends the wait of this caller, who gets the signal's reason. The loader is aborted when no caller waits
   * for it any more.
   */
  readonly signal?: AbortSignal | undefined;
  /**
   * How the value is stored. A value that another serializer has stored counts as a miss.
   * @default the cache's
   */
  // The type of the value is the loader's: one that is for every type must not make it `any`.
  readonly serializer?: CacheSerializer<NoInfer<T>> | undefined;
  /**
   * Whether the near copy of the process may serve the value. `false` reads it from Redis: then it reflects
   * every invalidation that was acknowledged before the call, also those of other processes.
   * @default true
   */
  readonly near?: boolean | undefined;
}

/**
 * {@link GetOrLoadOptions} for many keys: `ttl`, `tags` and `dependsOn` may be functions of the key.
 *
 * @publicApi
 */
export interface GetOrLoadAllOptions<K extends CacheKey = CacheKey, V = unknown> extends Omit<
  GetOrLoadOptions<V>,
  'ttl' | 'tags' | 'dependsOn'
> {
  /** How long an entry is fresh. */
  readonly ttl?: Duration | ((key: K) => Duration | undefined) | undefined;
  /** Names under which a value can be invalidated, captured before the loader is called. */
  readonly tags?: readonly KeyPart[] | ((key: K) => readonly KeyPart[]) | undefined;
  /** The sources of a value, captured before the loader is called. */
  readonly dependsOn?:
    readonly CacheDependency[] | ((key: K) => readonly CacheDependency[]) | undefined;
}

/** @publicApi */
export type SetOptions<T = unknown> = Omit<GetOrLoadOptions<T>, 'loadTimeout' | 'signal' | 'near'>;

/** @publicApi */
export interface GetOptions<T = unknown> extends Pick<
  GetOrLoadOptions<T>,
  'tags' | 'dependsOn' | 'timeout' | 'signal' | 'near'
> {
  /**
   * The serializer that has stored the value.
   * @default the cache's
   */
  readonly serializer?: CacheSerializer<T> | undefined;
}

/**
 * Passed to a loader, which can use it to say more about the value that it loads.
 *
 * @publicApi
 */
export interface LoadContext {
  /** Aborts after `loadTimeout`, and when no caller waits for the value any more. */
  readonly signal: AbortSignal;
  /**
   * Names something that the value depends on, before the loader reads it: `await` this, then read. Costs
   * a round trip.
   */
  dependOn(on: {
    readonly tags?: readonly KeyPart[];
    readonly keys?: readonly CacheDependency[];
  }): Promise<void>;
  /**
   * Returns the text stored at a key, `null` if there is none, and makes the value depend on exactly that.
   * The only way to depend on a key's content that also detects A-B-A changes during the load.
   *
   * @throws RedisException what Redis failed with, also where the load itself goes on without it:
   * RedisCommandException for a key of another type, RedisConfigurationException for more than 1 MiB
   */
  read(key: string): Promise<string | null>;
  /**
   * Names tags that the loader has found only by reading. The load is repeated once, now that they are
   * known. If it then names further ones, its value is returned and not cached.
   */
  addTags(...tags: readonly KeyPart[]): void;
  /** Overrides the `ttl` of the options, now that the value is known. */
  setTtl(ttl: Duration): void;
  /** Returns the value without caching it. */
  skipCache(): void;
}

/** @publicApi */
export type Loader<T> = (context: LoadContext) => T | Promise<T>;

/**
 * Passed to a loader of many values.
 *
 * @publicApi
 */
export interface LoadAllContext<K extends CacheKey = CacheKey> {
  /** Aborts after `loadTimeout`, and when no caller waits for any of the values any more. */
  readonly signal: AbortSignal;
  /**
   * The context of one key, to say more about its value, e.g. `context.of(key).setTtl('1m')`. Its `signal`
   * is that of the call.
   *
   * @throws TypeError for a key that is not to be loaded
   */
  of(key: K): LoadContext;
}

/**
 * @param missing the keys that are to be loaded, as they were given
 * @returns their values, by equal keys: they need not be the same lists. Other keys are ignored
 * @publicApi
 */
export type LoaderOfAll<K extends CacheKey, V> = (
  missing: K[],
  context: LoadAllContext<K>,
) => ReadonlyMap<CacheKey, V> | Promise<ReadonlyMap<CacheKey, V>>;

/**
 * Where a value came from: from the cache (`hit`; `negative` if it says that there is none; `stale` if
 * it is past its `ttl`), from the loader and into the cache (`miss`), or from the loader because the
 * cache could not be asked (`bypass`).
 *
 * @publicApi
 */
export type CacheStatus = 'hit' | 'negative' | 'stale' | 'miss' | 'bypass';

/** @publicApi */
export interface CacheResult<T> {
  readonly value: T;
  readonly status: CacheStatus;
  /** How long ago it was loaded, in milliseconds. */
  readonly ageMs: number;
}

/**
 * The tags and keys that a change makes invalid.
 *
 * @publicApi
 */
export interface CacheChange {
  /** Everything that has one of these tags, in all caches of the connection. */
  readonly tags?: readonly KeyPart[] | undefined;
  /** These entries of the cache. */
  readonly keys?: readonly CacheKey[] | undefined;
}

/** @publicApi */
export interface InvalidatePatternOptions {
  /** Called after each page with the number of entries deleted so far. */
  readonly onProgress?: ((deleted: number) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}
