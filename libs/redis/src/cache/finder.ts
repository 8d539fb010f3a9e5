import { untilAbort } from '../time/until-abort.js';
import type { CacheAnnouncer } from './cache-announcer.js';
import type { CacheKeys } from './cache-keys.js';
import type { CacheKey, CacheStatus, GetOrLoadOptions, Loader } from './cache-options.js';
import { resolvePolicy, resolveSerializer, type ResolvedCacheOptions } from './cache-policy.js';
import type { Dependencies } from './entry/dependencies.js';
import type { Loaded, LoadPeers, LoadRequest } from './load/load-request.js';
import { nextMoment } from './load/progress.js';
import type { Caller, Flights } from './load/single-flight.js';
import { usableIn, valueOf } from './load/values.js';
import { Budget } from './outage/budget.js';
import { RedisAway } from './outage/waiting.js';
import { judgedBy, type EntryReader, type Verdict } from './store/entry-reader.js';

/** A value, and where it came from. */
export interface Found {
  readonly value: unknown;
  readonly status: CacheStatus;
  readonly loadedAt: number;
}

/** The value that a look has found for a caller, and its verdict: `undefined` if Redis is away. */
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

  constructor(
    keys: CacheKeys,
    dependencies: Dependencies,
    options: ResolvedCacheOptions,
    reader: EntryReader,
    flights: Flights,
    announcer: CacheAnnouncer,
  ) {
    this.#keys = keys;
    this.#dependencies = dependencies;
    this.#options = options;
    this.#reader = reader;
    this.#flights = flights;
    this.#announcer = announcer;
  }

  /** @throws the signal's reason; what is wrong with the key or the options */
  request<T>(
    key: CacheKey,
    loader: Loader<T>,
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

  /** @throws what the loader throws, and what Redis failed with, if the cache is `onOutage: 'closed'` */
  async find<T, Result>(
    key: CacheKey,
    loader: Loader<T>,
    options: GetOrLoadOptions<T> = NO_OPTIONS,
    resultOf: (found: Found) => Result,
  ): Promise<Result> {
    const moment = nextMoment();
    const request = this.request(key, loader, options);
    const budget = new Budget(request.policy.timeoutMs);
    const caller = { request, budget, signal: options.signal, moment };
    let verdict: Verdict | undefined;
    let found: Found | undefined;
    try {
      verdict = await this.#verdict(caller);
      found = this.#usable(verdict, request);
      if (found?.status === 'stale') this.refresh(request, verdict);
    } catch (error) {
      this.#goOnWithout(error, request.keys.entry);
    }
    found ??= await this.load(caller, verdict);
    this.#announcer.request(request.keys.entry, found.status);
    return resultOf(found);
  }

  /** Looks for a value without loading it. @throws what Redis failed with, if the cache is `closed` */
  async peek<T>(key: CacheKey, options: GetOrLoadOptions<T>): Promise<Found | undefined> {
    const request = this.request<unknown>(key, () => undefined, options);
    const budget = new Budget(request.policy.timeoutMs);
    const caller = { request, budget, signal: options.signal, moment: 0 };
    const { found, verdict } = await this.look(caller);
    const missed = verdict ? 'miss' : 'bypass';
    this.#announcer.request(request.keys.entry, found?.status ?? missed);
    return found;
  }

  /** The first step of `find`, for calls that look for many keys before they load any. */
  async look(caller: Caller): Promise<Looked> {
    try {
      const verdict = await this.#verdict(caller);
      return { found: this.#usable(verdict, caller.request), verdict };
    } catch (error) {
      this.#goOnWithout(error, caller.request.keys.entry);
      return { found: undefined, verdict: undefined };
    }
  }

  /** @param verdict on the entry that is not good enough; `undefined` if Redis is away */
  async load(caller: Caller, verdict: Verdict | undefined): Promise<Found> {
    const { request } = caller;
    try {
      if (verdict) return foundIn(await this.#flights.load(caller, verdict), request);
    } catch (error) {
      this.#goOnWithout(error, request.keys.entry);
    }
    return foundIn(await this.#flights.loadAlone(caller), request);
  }

  /** Loads in the background. */
  refresh(request: LoadRequest, verdict: Verdict): void {
    this.#flights.refresh(request, judgedBy(verdict));
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
      return foundIn(loaded, request);
    } catch {
      this.#announcer.announce('cache.corrupt', { key: request.keys.entry });
      return undefined;
    }
  }

  /** The one place that decides whether a cache fails open. @throws the error if it does not */
  #goOnWithout(error: unknown, key: string): void {
    if (!(error instanceof RedisAway)) throw error;
    this.#announcer.failure(key, 'read', error);
    if (this.#options.onOutage === 'closed') throw error.error;
  }
}

const NO_OPTIONS = {};

function foundIn(loaded: Loaded, { keys, serializer }: LoadRequest): Found {
  const { status, loadedAt } = loaded;
  return { value: valueOf(loaded, keys.entry, serializer), status, loadedAt };
}
