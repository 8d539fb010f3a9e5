import { untilAbort } from '../time/until-abort.js';
import type { CacheAnnouncer } from './cache-announcer.js';
import type { CacheKeys } from './cache-keys.js';
import type {
  CacheKey,
  CacheStatus,
  GetOptions,
  GetOrLoadOptions,
  Loader,
} from './cache-options.js';
import {
  allowsNear,
  resolvePolicy,
  resolveSerializer,
  type ResolvedCacheOptions,
} from './cache-policy.js';
import type { Dependencies } from './entry/dependencies.js';
import type { LoadCall, Loaded, LoadPeers, LoadRequest } from './load/load-request.js';
import { nextMoment } from './load/progress.js';
import type { Caller, Flights } from './load/single-flight.js';
import { usableIn, valueOf } from './load/values.js';
import { freezeDeep } from './near/frozen-value.js';
import { VALUES_ARE_SHARED } from './near/near-entry.js';
import type { NearReader } from './near/near-reader.js';
import { Budget } from './outage/budget.js';
import { RedisAway } from './outage/waiting.js';
import { judgedBy, type EntryReader, type Verdict } from './store/entry-reader.js';

/** A value, and where it came from. */
export interface Found {
  readonly value: unknown;
  readonly status: CacheStatus;
  readonly loadedAt: number;
}

/**
 * The value that a look has found for a caller, and its verdict: `undefined` if Redis is away, or if the
 * value is from the near copy.
 */
export interface Looked {
  readonly found: Found | undefined;
  readonly verdict: Verdict | undefined;
}

/**
 * Finds values: in Redis, or with their loaders. Decides whether a cache fails open.
 *
 * @internal
 */
export class Finder {
  readonly #keys: CacheKeys;
  readonly #dependencies: Dependencies;
  readonly #options: ResolvedCacheOptions;
  readonly #reader: EntryReader;
  readonly #flights: Flights;
  readonly #announcer: CacheAnnouncer;
  readonly #near: NearReader | undefined;

  constructor(
    keys: CacheKeys,
    dependencies: Dependencies,
    options: ResolvedCacheOptions,
    reader: EntryReader,
    flights: Flights,
    announcer: CacheAnnouncer,
    near: NearReader | undefined,
  ) {
    this.#keys = keys;
    this.#dependencies = dependencies;
    this.#options = options;
    this.#reader = reader;
    this.#flights = flights;
    this.#announcer = announcer;
    this.#near = near;
  }

  /** @throws the signal's reason; what is wrong with the key or the options */
  request<T>(
    key: CacheKey,
    loader: (call: LoadCall) => T | Promise<T>,
    options: GetOrLoadOptions<T>,
    peers?: LoadPeers,
  ): LoadRequest {
    options.signal?.throwIfAborted();
    return {
      keys: this.#keys.of(key),
      dependencies: this.#dependencies.list(options),
      policy: resolvePolicy(options, this.#options.policy),
      loader,
      serializer: resolveSerializer(options.serializer, this.#options.serializer),
      peers,
    };
  }

  /**
   * Not `async`: what is in the near copy costs no more than one promise.
   *
   * @throws what the loader throws, and what Redis failed with, if the cache is `onOutage: 'closed'`
   */
  find<T, Result>(
    key: CacheKey,
    loader: Loader<T>,
    options: GetOrLoadOptions<T> = NO_OPTIONS,
    resultOf: (found: Found) => Result,
  ): Promise<Result> {
    try {
      const near = this.near(key, options);
      if (near) return Promise.resolve(resultOf(near));
    } catch (error) {
      const reason = error as Error;
      return Promise.reject(reason);
    }
    return this.#find(key, loader, options, resultOf);
  }

  async #find<T, Result>(
    key: CacheKey,
    loader: Loader<T>,
    options: GetOrLoadOptions<T>,
    resultOf: (found: Found) => Result,
  ): Promise<Result> {
    const moment = nextMoment();
    const request = this.request(key, loader, options);
    const budget = new Budget(request.policy.timeoutMs);
    const caller = { request, budget, signal: options.signal, moment };
    let verdict: Verdict | undefined;
    let found: Found | undefined;
    try {
      ({ verdict, found } = await this.#read(caller, options));
      if (found?.status === 'stale' && verdict) this.refresh(request, verdict);
    } catch (error) {
      this.#goOnWithout(error, request.keys.entry);
    }
    found ??= await this.load(caller, verdict);
    this.#announcer.request(request.keys.entry, found.status);
    return resultOf(found);
  }

  /**
   * Finds a value in the near copy, without a round trip. Announces the request if there is one.
   *
   * @throws the signal's reason; what is wrong with the key or with the option `near`
   */
  near<T>(key: CacheKey, options: GetOptions<T>): Found | undefined {
    const near = this.#near;
    if (!allowsNear(options.near) || !near) return undefined;
    options.signal?.throwIfAborted();
    const serializer = resolveSerializer(options.serializer, this.#options.serializer);
    const found = near.find(key, options, serializer);
    if (found && this.#announcer.hearsRequests) {
      this.#announcer.request(found.entry.key, found.status);
    }
    return found;
  }

  /** Looks for a value without loading it. @throws what Redis failed with, if the cache is `closed` */
  async peek<T>(key: CacheKey, options: GetOrLoadOptions<T>): Promise<Found | undefined> {
    const near = this.near(key, options);
    if (near) return near;
    const request = this.request<unknown>(key, () => undefined, options);
    const budget = new Budget(request.policy.timeoutMs);
    const caller = { request, budget, signal: options.signal, moment: 0 };
    const { found, verdict } = await this.look(caller, options);
    const missed = verdict ? 'miss' : 'bypass';
    this.#announcer.request(request.keys.entry, found?.status ?? missed);
    return found;
  }

  /** The first step of `find`, for calls that look for many keys before they load any. */
  async look(caller: Caller, options: OfNear): Promise<Looked> {
    try {
      return await this.#read(caller, options);
    } catch (error) {
      this.#goOnWithout(error, caller.request.keys.entry);
      return { found: undefined, verdict: undefined };
    }
  }

  /** @param verdict on the entry that is not good enough; `undefined` if Redis is away */
  async load(caller: Caller, verdict: Verdict | undefined): Promise<Found> {
    const { request } = caller;
    try {
      if (verdict) return this.#foundIn(await this.#flights.load(caller, verdict), request);
    } catch (error) {
      this.#goOnWithout(error, request.keys.entry);
    }
    return this.#foundIn(await this.#flights.loadAlone(caller), request);
  }

  /** Loads in the background. */
  refresh(request: LoadRequest, verdict: Verdict): void {
    this.#flights.refresh(request, judgedBy(verdict));
  }

  /** Reads from Redis, and keeps what is found in the near copy. */
  async #read(caller: Caller, options: OfNear): Promise<Looked> {
    const { request, budget, signal } = caller;
    const near = this.#near;
    if (!near || options.near === false) {
      const verdict = await this.#verdict(caller);
      return { verdict, found: this.#usable(verdict, request) };
    }
    const { keys, dependencies, serializer } = request;
    if (await near.confirm(keys.entry, budget, signal)) {
      const found = near.find(keys.entry, options, serializer);
      if (found) return { found, verdict: undefined };
    }
    const since = near.begin();
    const verdict = await this.#verdict(caller);
    const found = this.#usable(verdict, request);
    if (found && verdict.state === 'valid') {
      near.keep(keys.entry, verdict.entry, serializer, dependencies, since);
    }
    return { verdict, found };
  }

  #verdict({ request, budget, signal }: Caller): Promise<Verdict> {
    const looking = this.#reader.look(request.keys, request.dependencies, budget);
    return signal ? untilAbort(looking, signal) : looking;
  }

  /** Takes what does not become a value again for missing. */
  #usable(verdict: Verdict, request: LoadRequest): Found | undefined {
    const loaded = usableIn(verdict, request);
    if (!loaded) return undefined;
    try {
      return this.#foundIn(loaded, request);
    } catch {
      this.#announcer.announce('cache.corrupt', { key: request.keys.entry });
      return undefined;
    }
  }

  /** Makes the value of one caller. Where callers share frozen values, those that are not shared are frozen, too. */
  #foundIn(loaded: Loaded, { keys, serializer }: LoadRequest): Found {
    const { status, loadedAt } = loaded;
    const value = valueOf(loaded, keys.entry, serializer);
    if (this.#options.near?.isFrozen && !(VALUES_ARE_SHARED in serializer)) freezeDeep(value);
    return { value, status, loadedAt };
  }

  /** The one place that decides whether a cache fails open. @throws the error if it does not */
  #goOnWithout(error: unknown, key: string): void {
    if (!(error instanceof RedisAway)) throw error;
    this.#announcer.failure(key, 'read', error);
    if (this.#options.onOutage === 'closed') throw error.error;
  }
}

/** The options that the near copy looks at. */
type OfNear = Pick<GetOptions, 'near' | 'tags' | 'dependsOn'>;

const NO_OPTIONS = {};
