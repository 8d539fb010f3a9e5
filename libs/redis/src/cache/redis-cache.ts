/**
 * @module cache Values that are expensive to make, kept in Redis and never served once they were
 * invalidated. `entry/` is what is stored and whether it is valid, `store/` what is done in Redis, `load/`
 * who loads and who waits, `outage/` what happens without Redis, `near/` what is kept in the process,
 * `explain/` why a call would find what it finds.
 */
import { ConfirmedWrites } from '../connection/confirmed-writes.js';
import { connectionOf } from '../connection/connection.js';
import type { RedisClient } from '../connection/options/options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import type { KeyPart } from '../keys/key-encoding.js';
import type { NearState } from '../telemetry/near-state.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { CacheAnnouncer } from './cache-announcer.js';
import { CacheKeys } from './cache-keys.js';
import type {
  CacheChange,
  CacheKey,
  CachePolicy,
  CacheResult,
  GetOptions,
  GetOrLoadAllOptions,
  GetOrLoadOptions,
  InvalidatePatternOptions,
  Loader,
  LoaderOfAll,
  RedisCacheOptions,
  SetOptions,
} from './cache-options.js';
import { resolveCacheOptions, resolvePolicy, type ResolvedPolicy } from './cache-policy.js';
import { Changes } from './source-changes.js';
import { Dependencies } from './entry/dependencies.js';
import { Explainer } from './explain/explainer.js';
import type { CacheExplanation } from './explain/explanation.js';
import { Finder, type Found } from './finder.js';
import { Invalidation } from './invalidation.js';
import { loadAll, type CacheOfAll } from './load-all.js';
import { Lease } from './load/lease.js';
import { LoadTracing } from './load/load-tracing.js';
import { LoaderRunner } from './load/run-loader.js';
import { Flights } from './load/single-flight.js';
import { LoadGate } from './outage/load-gate.js';
import { OutageGuard } from './outage/outage-guard.js';
import { Outbox } from './outage/outbox.js';
import { Coherences } from './near/coherence.js';
import { NearCopy } from './near/near-copy.js';
import { NearReader } from './near/near-reader.js';
import { setValue } from './set-value.js';
import { CacheStore } from './store/cache-store.js';
import { EntryReader } from './store/entry-reader.js';

/** Where the events of a cache go, and under which name. */
export interface CacheAnnouncement {
  /** Its name in logs, metrics and traces; that of its options, unless it is injected by another. */
  readonly announcedAs?: string;
  /** By default that of its client. */
  readonly telemetry?: Telemetry;
}

/**
 * A cache that never serves what was invalidated: a value it returns reflects every invalidation that
 * was acknowledged before it was asked for, whatever crashes, is evicted, is flushed or runs late. A hit
 * costs one round trip whatever the number of tags. Only one caller across all processes runs the loader.
 * Where Redis does not answer in time, the loader is called directly.
 *
 * Works in a plain script too. The guide explains the promise and its limits.
 *
 * @example
 * const cache = new RedisCache(client, keys, { ttl: '5m' });
 * const post = await cache.getOrLoad(['post', id], () => db.findPost(id), { tags: ['posts'] });
 * await cache.invalidateTags('posts');
 *
 * @publicApi
 */
export class RedisCache {
  readonly #policy: ResolvedPolicy;
  readonly #keys: CacheKeys;
  readonly #guard: OutageGuard;
  readonly #store: CacheStore;
  readonly #outbox: Outbox;
  readonly #confirmed: ConfirmedWrites;
  readonly #announcer: CacheAnnouncer;
  readonly #finder: Finder;
  readonly #near: NearCopy | undefined;
  readonly #ofAll: CacheOfAll;
  readonly #invalidation: Invalidation;
  readonly #changes: Changes;
  readonly #explainer: Explainer;

  /** @throws RedisConfigurationException listing every impossible option */
  constructor(
    client: RedisClient,
    keys: KeyBuilder,
    options: RedisCacheOptions = {},
    announcement: CacheAnnouncement = {},
  ) {
    const resolved = resolveCacheOptions(options);
    const { name, onOutage, policy } = resolved;
    const connection = connectionOf(client);
    const { announcedAs = name, telemetry = connection.telemetry } = announcement;
    const where = { connection: connection.name, cache: announcedAs };
    const announcer = new CacheAnnouncer({ ...where, telemetry });
    const guard = new OutageGuard(connection, {
      ...resolved,
      onBreaker: (state, error) => {
        announcer.announce('cache.breaker', { state, ...(error && { error }) });
      },
      onTooFar: (roundTripMs) => {
        announcer.announce('cache.too-far', { roundTripMs, timeoutMs: policy.timeoutMs });
      },
    });
    const cacheKeys = new CacheKeys(keys, name);
    const dependencies = new Dependencies(keys);
    const outbox = connection.part(Outbox);
    const store = new CacheStore(connection, guard, resolved.invalidation);
    const reader = new EntryReader(store, guard, dependencies, outbox, (key) => {
      announcer.announce('cache.corrupt', { key });
    });
    const gate = new LoadGate(resolved.maxLoads);
    const flights = new Flights({
      client,
      onOutage,
      reader,
      leaseFor: (request) => new Lease(request, store, dependencies, outbox, announcer),
      loaders: new LoaderRunner(dependencies, announcer),
      gate,
      clock: store.clock,
      announcer,
      tracing: new LoadTracing(announcedAs, telemetry.tracing),
    });
    const { near } = resolved;
    const copy =
      near && new NearCopy(near, cacheKeys, connection.part(Coherences).of(keys), dependencies);
    const nearReader = copy && new NearReader(copy, store, dependencies);
    const finder = new Finder(
      ...([cacheKeys, dependencies, resolved, reader, flights, announcer] as const),
      nearReader,
    );
    const shared = [cacheKeys, dependencies, resolved, store] as const;
    this.#policy = policy;
    this.#keys = cacheKeys;
    this.#guard = guard;
    this.#store = store;
    this.#outbox = outbox;
    this.#confirmed = connection.part(ConfirmedWrites);
    this.#announcer = announcer;
    this.#finder = finder;
    this.#near = copy;
    this.#ofAll = { keys: cacheKeys, policy, finder, gate, announcer };
    this.#invalidation = new Invalidation(connection, ...shared, announcer);
    this.#changes = new Changes(...shared, this.#invalidation, announcer);
    this.#explainer = new Explainer({
      ...{ keys: cacheKeys, dependencies, options: resolved, store, guard, outbox, near: copy },
    });
  }

  /**
   * Returns the cached value, or calls the loader and caches what it returns. Of all callers that ask at
   * the same time, in any process, one loads and the others are given what it loaded.
   *
   * One round trip for a hit (two, once, if the loader named more dependencies than the options), three
   * for a miss. Waits for Redis no longer than `timeout`, and then calls the loader without it, unless
   * the cache is `onOutage: 'closed'`.
   *
   * @throws what the loader throws; it is not cached
   * @throws RedisLoadTimeoutException if the loader takes longer than `loadTimeout`, or does not get its
   * turn (`maxLoads`) for as long
   * @throws RedisLoadCycleException at once, inside a loader that asks for the value that it is to load
   * @throws RedisException what Redis failed with, if the cache is `onOutage: 'closed'`
   * @throws RedisSerializationException if the serializer cannot keep the value; `path` says what of it
   * @throws RedisConfigurationException for an impossible option, and for a key of more than 1 MiB in
   * `dependsOn`
   * @throws RedisInvalidKeyException for an empty or malformed key or tag
   */
  getOrLoad<T>(key: CacheKey, loader: Loader<T>, options?: GetOrLoadOptions<T>): Promise<T> {
    return this.#finder.find(key, loader, options, valueIn) as Promise<T>;
  }

  /** Does what {@link getOrLoad} does, and says where the value came from and how old it is. */
  resolve<T>(
    key: CacheKey,
    loader: Loader<T>,
    options?: GetOrLoadOptions<T>,
  ): Promise<CacheResult<T>> {
    return this.#finder.find(key, loader, options, (found) => this.#result<T>(found));
  }

  /**
   * Returns many values in one call: those that are cached, and for all others what the loader returns,
   * which is called once for all of them. Waits for what another process or call is loading, and does not
   * load it again.
   *
   * The values stand in the order of the keys. A key that is missing in the loader's Map counts as one for
   * which {@link getOrLoad}'s loader returns `undefined`: it is not in the result, and remembered for
   * `negativeTtl`. Equal keys are loaded once; each list that was given is a key of the result.
   *
   * One round trip for all that are cached, two more if some are not; for each 500 keys, and in a cluster
   * to each node. The loader is given 500 keys at most. Everything else is as in {@link getOrLoad} for
   * each of the keys, `timeout` and errors included: if one of them fails, the call rejects with its error,
   * and what was loaded for the others is still cached.
   *
   * @example
   * const users = await cache.getOrLoadAll(
   *   ids.map((id) => ['user', id] as const),
   *   async (missing) => {
   *     const rows = await db.findUsers(missing.map(([, id]) => id));
   *     return new Map(rows.map((row) => [['user', row.id] as const, row]));
   *   },
   *   { tags: ([, id]) => [`user-${id}`] },
   * );
   *
   * @throws what {@link getOrLoad} throws
   * @throws TypeError if the loader returns no Map
   */
  getOrLoadAll<K extends CacheKey, V>(
    keys: readonly K[],
    loadMissing: LoaderOfAll<K, V>,
    options: GetOrLoadAllOptions<K, V> = NO_OPTIONS,
  ): Promise<Map<K, V>> {
    return loadAll(this.#ofAll, keys, loadMissing, options);
  }

  /**
   * The policy of a call with these options.
   *
   * @internal
   */
  policyOf(options: CachePolicy): ResolvedPolicy {
    return resolvePolicy(options, this.#policy);
  }

  /**
   * Returns what is cached, and never loads: `undefined` if nothing is (or `undefined` is cached), `null`
   * if that is what the loader returned. One round trip; two, once, if the entry has more dependencies than
   * are named. An outage counts as a miss.
   *
   * @throws RedisException what Redis failed with, if the cache is `onOutage: 'closed'`
   */
  async get<T>(key: CacheKey, options: GetOptions<T> = {}): Promise<T | null | undefined> {
    return (await this.peek(key, options))?.value;
  }

  /**
   * Does what {@link get} does, and says where the value came from and how old it is. `undefined` if
   * nothing is cached.
   *
   * @internal
   */
  async peek<T>(
    key: CacheKey,
    options: GetOptions<T> = {},
  ): Promise<CacheResult<T | null | undefined> | undefined> {
    const found = await this.#finder.peek(key, options);
    return found && this.#result(found);
  }

  /**
   * Returns what the near copy of this process holds, without a round trip and without a promise; what is
   * stale it does not hold. Counts as a request if there is something.
   *
   * @internal
   */
  near<T>(key: CacheKey, options: GetOptions<T> = {}): CacheResult<T> | undefined {
    const found = this.#finder.near(key, options);
    return found && this.#result<T>(found);
  }

  /**
   * Caches a value that the caller takes for up to date. No load that is under way replaces it.
   * `null` and `undefined` are cached for `negativeTtl`; without one they only delete what was there.
   * Prefer {@link getOrLoad}, which notices what is invalidated while the value is made. Two round trips.
   *
   * @throws RedisSerializationException as {@link getOrLoad}
   * @throws RedisException what Redis failed with: what was cached before may still be there
   */
  async set<T>(key: CacheKey, value: T, options: SetOptions<T> = {}): Promise<void> {
    const request = this.#finder.request(key, () => value, options);
    await setValue(this.#store, this.#announcer, request, value);
  }

  /**
   * Deletes an entry. No load that is under way brings it back. One round trip, two in a cluster.
   *
   * @returns whether there was one
   * @throws RedisException what Redis failed with: the entry may still be there. With an `outbox` it
   * is deleted later, and never served by this process meanwhile
   */
  async delete(key: CacheKey): Promise<boolean> {
    return this.#invalidation.entry(this.#keys.of(key));
  }

  /**
   * Invalidates everything that has one of these tags, in all caches of this connection, and everything
   * that is being loaded with one of them. One round trip (in a cluster one to each node), however many
   * entries there are.
   *
   * @throws RedisBatchException naming in `errors` the tags that may not have been invalidated. With an
   * `outbox` these are invalidated later, and this process serves nothing that has them meanwhile
   */
  invalidateTags(...tags: readonly KeyPart[]): Promise<void> {
    return this.#invalidation.tags(tags);
  }

  /**
   * Does work that makes cached values wrong: a write to the source, its transaction included. Tells Redis
   * before the work that these tags and keys are being changed, and after it that they have changed. In
   * between they are loaded and not cached, so that no old value is cached even if this process dies before
   * it can tell: a value returned reflects every change that was committed inside `work` before the read
   * began.
   *
   * If `work` throws, the cached values are invalidated nevertheless, because it may have committed. With
   * neither tags nor keys `work` is just called. Two round trips (three or four in a cluster with keys), and
   * none for reads.
   *
   * Without Redis `work` is still done, unless the cache is `onOutage: 'closed'`, and the cached values are
   * invalidated as {@link invalidateTags} does it.
   *
   * @example
   * await cache.change({ tags: [`post-${id}`] }, () => db.transaction((posts) => posts.rename(id, title)));
   *
   * @returns what `work` returns
   * @throws what `work` throws
   * @throws RedisInvalidationException if the work is done and Redis acknowledged neither its beginning nor
   * its end: what is cached may be old. Not with an `outbox` that has room
   * @throws RedisException what Redis failed with, before `work` is called, if the cache is
   * `onOutage: 'closed'`
   */
  change<T>(what: CacheChange, work: () => T | Promise<T>): Promise<T> {
    return this.#changes.make(what, work);
  }

  /**
   * Deletes all entries of this cache whose names match, e.g. `'post:*'`; `*` stands for anything. Scans
   * every key of every primary, twice: for frequent invalidations use tags.
   *
   * @returns how many there were
   * @throws RedisException what Redis failed with: some may still be there
   */
  invalidatePattern(pattern: string, options: InvalidatePatternOptions = {}): Promise<number> {
    return this.#invalidation.pattern(pattern, options);
  }

  /**
   * Whether this cache does not ask a server at the moment, because that did not answer
   * (`breakerThreshold`, `breakerCooldown`). Sends nothing.
   */
  get isBypassed(): boolean {
    return this.#guard.isRefusing;
  }

  /**
   * The near copy of this cache: what it holds, how often it was of use, and whether it hears of changes.
   * `undefined` for a cache without one. Sends nothing.
   */
  get nearState(): NearState | undefined {
    return this.#near?.state;
  }

  /**
   * Explains what {@link getOrLoad} would do with a key and these options now, and why: what is stored in
   * Redis and in the process, what it depends on and which of that has changed, who loads or changes it.
   * For operators and for tests of the application. `text` is for people. Without a `serializer` it is that
   * of a caller who reads with the one that has stored the value: a cached response can be explained, too.
   *
   * Changes nothing: sends reads only, in one round trip, or in two if the entry depends on more than the
   * options name. A Redis that is away is a part of the explanation, and no error. Contains no values, but
   * names of keys and tags.
   *
   * @example
   * console.log((await cache.explain(['post', id], { tags: ['posts'] })).text);
   *
   * @throws RedisInvalidKeyException for an empty or malformed key or tag
   * @throws RedisConfigurationException for an impossible option
   */
  explain<T = unknown>(
    key: CacheKey,
    options: GetOrLoadOptions<T> = {},
  ): Promise<CacheExplanation> {
    return this.#explainer.explain(key, options);
  }

  /**
   * Waits for changes that are being made, 2 s at most, and tries once more to deliver what the outbox of
   * the connection still holds. Call it before the connection is closed.
   *
   * @returns how many invalidations are lost
   */
  async close(): Promise<number> {
    await this.#near?.close();
    const unfinished = await this.#changes.close();
    const lost = await this.#outbox.close();
    await this.#confirmed.close();
    return unfinished + lost;
  }

  #result<T>({ value, status, loadedAt }: Found): CacheResult<T> {
    const ageMs = Math.max(0, this.#store.clock.now() - loadedAt);
    return { value: value as T, status, ageMs };
  }
}

const valueIn = ({ value }: Found): unknown => value;

const NO_OPTIONS = {};
