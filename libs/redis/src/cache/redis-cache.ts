/**
 * @module cache Values that are expensive to make, kept in Redis and never served once they were
 * invalidated. In `entry/` what is stored and whether it is valid, in `store/` what is done in Redis, in
 * `load/` who loads and who waits, in `outage/` what happens without Redis.
 */
import type { RedisClient } from '../connection/options/options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import type { KeyPart } from '../keys/key-encoding.js';
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
import type { CacheParts } from './load/load-request.js';
import { Changes } from './changes.js';
import { Finder, type Found } from './finder.js';
import { loadAll } from './load-all.js';
import { makeParts, type CacheAnnouncement } from './make-parts.js';
import { resolveCacheOptions, resolvePolicy, type ResolvedPolicy } from './cache-policy.js';
import { Invalidation } from './invalidation.js';
import { untilAbort } from '../time/until-abort.js';
import { Budget } from './outage/budget.js';
import { setValue } from './set-value.js';

/**
 * A cache that never serves what was invalidated: a value it returns reflects every invalidation that
 * was acknowledged before it was asked for, whatever crashes, is evicted, is flushed or runs late. A hit
 * costs one round trip whatever the number of tags; of all callers in all processes one loads; and
 * where Redis does not answer in time the loader does.
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
  readonly #parts: CacheParts;
  readonly #keys: CacheKeys;
  readonly #finder: Finder;
  readonly #invalidation: Invalidation;
  readonly #changes: Changes;

  /** @throws RedisConfigurationException listing every impossible option */
  constructor(
    client: RedisClient,
    keys: KeyBuilder,
    options: RedisCacheOptions = {},
    announcement: CacheAnnouncement = {},
  ) {
    const resolved = resolveCacheOptions(options);
    this.#keys = new CacheKeys(keys, resolved.name);
    this.#parts = makeParts(client, keys, resolved, announcement);
    this.#finder = new Finder(this.#parts, this.#keys);
    this.#invalidation = new Invalidation(client, this.#parts, this.#keys);
    this.#changes = new Changes(this.#parts, this.#keys, this.#invalidation);
  }

  /**
   * The cached value, or what the loader returns, which is then cached. Of all who ask at the same time,
   * in whatever process, one loads and the others are given what it loaded.
   *
   * One round trip for a hit (two, once, if the loader named more dependencies than the options), three
   * for a miss. Waits for Redis no longer than `timeout`, and then calls the loader all the same, unless
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
    return this.#finder.find(key, loader, options, ({ value }) => value as T);
  }

  /** {@link getOrLoad}, and where the value came from and how old it is. */
  resolve<T>(
    key: CacheKey,
    loader: Loader<T>,
    options?: GetOrLoadOptions<T>,
  ): Promise<CacheResult<T>> {
    return this.#finder.find(key, loader, options, (found) => this.#result<T>(found));
  }

  /**
   * Many values in one call: those that are cached, and for all others what the loader returns, which is
   * called once for all of them. What another process or call loads is waited for, and not loaded again.
   *
   * The values stand in the order of the keys. A key that the loader's Map does not have is as one for
   * which {@link getOrLoad}'s loader returns `undefined`: it is not in the result, and remembered for
   * `negativeTtl`. Equal keys are loaded once; each list that was given is a key of the result.
   *
   * One round trip for all that are cached, two more if some are not; for each 500 keys, and in a cluster
   * to each node. The loader is given 500 keys at most. Everything else is as in {@link getOrLoad} for
   * each of the keys, `timeout` and errors included: what one of them fails with, the call rejects with,
   * and what was loaded for the others is cached all the same.
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
    const cache = { parts: this.#parts, keys: this.#keys, finder: this.#finder };
    return loadAll(cache, keys, loadMissing, options);
  }

  /**
   * What holds for a call with these options.
   *
   * @internal
   */
  policyOf(options: CachePolicy): ResolvedPolicy {
    return resolvePolicy(options, this.#parts.options.policy);
  }

  /**
   * What is cached, without loading it: `undefined` if nothing is (or `undefined` is cached), `null` if
   * that is what the loader returned. One round trip; two, once, if the entry has more dependencies than
   * are named. An outage counts as a miss.
   *
   * @throws RedisException what Redis failed with, if the cache is `onOutage: 'closed'`
   */
  async get<T>(key: CacheKey, options: GetOptions<T> = {}): Promise<T | null | undefined> {
    return (await this.peek(key, options))?.value;
  }

  /**
   * {@link get}, and where the value came from and how old it is. `undefined` if nothing is cached.
   *
   * @internal
   */
  async peek<T>(
    key: CacheKey,
    options: GetOptions<T> = {},
  ): Promise<CacheResult<T | null | undefined> | undefined> {
    const request = this.#finder.request<unknown>(key, () => undefined, options);
    const { keys, dependencies, policy } = request;
    const { reader, announcer } = this.#parts;
    try {
      const looking = reader.look(keys, dependencies, new Budget(policy.timeoutMs));
      const verdict = await untilAbort(looking, options.signal);
      const found = this.#finder.usable(verdict, request);
      announcer.request(keys.entry, found?.status ?? 'miss');
      return found && this.#result(found);
    } catch (error) {
      this.#finder.goOnWithout(error, keys.entry);
      announcer.request(keys.entry, 'bypass');
      return undefined;
    }
  }

  /**
   * Caches a value that is up to date as far as the caller knows; no load that is under way replaces it.
   * `null` and `undefined` are cached for `negativeTtl`; without one they only delete what was there.
   * Prefer {@link getOrLoad}, which notices what is invalidated while the value is made. Two round trips.
   *
   * @throws RedisSerializationException as {@link getOrLoad}
   * @throws RedisException what Redis failed with: what was cached before may still be there
   */
  async set<T>(key: CacheKey, value: T, options: SetOptions<T> = {}): Promise<void> {
    await setValue(
      this.#parts,
      this.#finder.request(key, () => value, options),
      value,
    );
  }

  /**
   * Deletes an entry; no load that is under way brings it back. One round trip, two in a cluster.
   *
   * @returns whether there was one
   * @throws RedisException what Redis failed with: the entry may still be there. With an `outbox` it
   * is deleted later, and never served by this process meanwhile
   */
  async delete(key: CacheKey): Promise<boolean> {
    return this.#invalidation.entry(this.#keys.of(key));
  }

  /**
   * Invalidates everything that has one of these tags, in whatever cache of this connection, and whatever
   * is being loaded. One round trip (in a cluster one to each node), however many entries there are.
   *
   * @throws RedisBatchException naming in `errors` the tags that may not have been invalidated. With an
   * `outbox` these are invalidated later, and this process serves nothing that has them meanwhile
   */
  invalidateTags(...tags: readonly KeyPart[]): Promise<void> {
    return this.#invalidation.tags(tags);
  }

  /**
   * Does something that makes what is cached wrong: a write to the source, its transaction included. Redis
   * is told before it begins that these tags and keys are being changed, and that they have been when it
   * has ended. In between they are loaded and not cached, so that no old value is cached even if this
   * process dies before it can tell: a value returned reflects every change that was committed inside
   * `work` before the read began.
   *
   * If `work` throws, what is cached is invalidated all the same, because it may have been committed. With
   * neither tags nor keys it is just called. Two round trips (three or four in a cluster with keys), and
   * none for reads.
   *
   * Without Redis `work` is done all the same, unless the cache is `onOutage: 'closed'`, and what is
   * cached is invalidated as {@link invalidateTags} does it.
   *
   * @example
   * await cache.change({ tags: [`post-${id}`] }, () => db.transaction((posts) => posts.rename(id, title)));
   *
   * @returns what `work` returns
   * @throws what `work` throws
   * @throws RedisInvalidationException if the work is done and Redis acknowledged neither beginning nor
   * end of it: what is cached may be old. Not with an `outbox` that has room
   * @throws RedisException what Redis failed with, before `work` is called, if the cache is
   * `onOutage: 'closed'`
   */
  change<T>(what: CacheChange, work: () => T | Promise<T>): Promise<T> {
    return this.#changes.make(what, work);
  }

  /**
   * Deletes all entries of this cache whose names match, e.g. `'post:*'`; `*` stands for anything. Looks
   * at every key of every primary, twice: for what happens often, use tags.
   *
   * @returns how many there were
   * @throws RedisException what Redis failed with: some may still be there
   */
  invalidatePattern(pattern: string, options: InvalidatePatternOptions = {}): Promise<number> {
    return this.#invalidation.pattern(pattern, options);
  }

  /**
   * Whether this cache leaves a server alone at the moment, because it did not answer
   * (`breakerThreshold`, `breakerCooldown`). Asks nobody.
   */
  get isBypassed(): boolean {
    return this.#parts.guard.isRefusing;
  }

  /**
   * Waits for changes that are being made, 2 s at most, and tries once more what the outbox of the
   * connection still holds. Call it before that is closed.
   *
   * @returns how many invalidations are lost
   */
  async close(): Promise<number> {
    const unfinished = await this.#changes.close();
    return unfinished + (await this.#parts.outbox.close());
  }

  #result<T>({ value, status, loadedAt }: Found): CacheResult<T> {
    const ageMs = Math.max(0, this.#parts.store.clock.now() - loadedAt);
    return { value: value as T, status, ageMs };
  }
}

const NO_OPTIONS = {};
