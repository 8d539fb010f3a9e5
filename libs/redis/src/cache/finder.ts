import { untilAbort } from '../time/until-abort.js';
import type { CacheKeys } from './cache-keys.js';
import type { CacheKey, CacheStatus, GetOrLoadOptions, Loader } from './cache-options.js';
import type { CacheParts, Loaded, LoadPeers, LoadRequest } from './load/load-request.js';
import { resolvePolicy, resolveSerializer } from './cache-policy.js';
import { Flights, type Caller } from './load/single-flight.js';
import { entryFound, judgedBy, usableAs } from './load/found.js';
import { nextMoment } from './load/moments.js';
import { Budget } from './outage/budget.js';
import { RedisAway } from './outage/waiting.js';
import type { Verdict } from './store/entry-reader.js';
import { valueOf } from './load/values.js';

/** A value, and where it came from. */
export interface Found {
  readonly value: unknown;
  readonly status: CacheStatus;
  readonly loadedAt: number;
}

/** What is there for a caller, and what was said of it: `undefined` if Redis is away. */
export interface Looked {
  readonly found: Found | undefined;
  readonly verdict: Verdict | undefined;
}

/**
 * Finds values: in Redis, or by their loaders.
 *
 * @internal
 */
export class Finder {
  readonly #parts: CacheParts;
  readonly #keys: CacheKeys;
  readonly #flights: Flights;

  constructor(parts: CacheParts, keys: CacheKeys) {
    this.#parts = parts;
    this.#keys = keys;
    this.#flights = new Flights(parts);
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
      dependencies: this.#parts.dependencies.list(options),
      policy: resolvePolicy(options, this.#parts.options.policy),
      loader,
      serializer: resolveSerializer(options.serializer, this.#parts.options.serializer),
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
      found = this.usable(verdict, request);
      if (found?.status === 'stale') this.refresh(request, verdict);
    } catch (error) {
      this.goOnWithout(error, request.keys.entry);
    }
    found ??= await this.load(caller, verdict);
    this.#parts.announcer.request(request.keys.entry, found.status);
    return resultOf(found);
  }

  /** The first step of `find`, for calls that look for many keys before they load any. */
  async look(caller: Caller): Promise<Looked> {
    try {
      const verdict = await this.#verdict(caller);
      return { found: this.usable(verdict, caller.request), verdict };
    } catch (error) {
      this.goOnWithout(error, caller.request.keys.entry);
      return { found: undefined, verdict: undefined };
    }
  }

  /** @param verdict on the entry that is not good enough; `undefined` if Redis is away */
  async load(caller: Caller, verdict: Verdict | undefined): Promise<Found> {
    const { request } = caller;
    try {
      if (verdict) return foundIn(await this.#flights.load(caller, verdict), request);
    } catch (error) {
      this.goOnWithout(error, request.keys.entry);
    }
    return foundIn(await this.#flights.loadAlone(caller), request);
  }

  /** In the background. */
  refresh(request: LoadRequest, verdict: Verdict): void {
    this.#flights.refresh(request, judgedBy(verdict));
  }

  /** What does not become a value again counts as nothing. */
  usable(verdict: Verdict, request: LoadRequest): Found | undefined {
    const status = usableAs(verdict, request.policy);
    if (!status || verdict.state === 'missing') return undefined;
    try {
      const loaded = entryFound(verdict.entry, status, request);
      return loaded && foundIn(loaded, request);
    } catch {
      this.#parts.announcer.announce('cache.corrupt', { key: request.keys.entry });
      return undefined;
    }
  }

  /** The one place that decides whether a cache fails open. @throws the error if it does not */
  goOnWithout(error: unknown, key: string): void {
    if (!(error instanceof RedisAway)) throw error;
    this.#parts.announcer.announce('cache.failure', { key, operation: 'read', error: error.error });
    if (this.#parts.options.onOutage === 'closed') throw error.error;
  }

  #verdict({ request, budget, signal }: Caller): Promise<Verdict> {
    const looking = this.#parts.reader.look(request.keys, request.dependencies, budget);
    return signal ? untilAbort(looking, signal) : looking;
  }
}

const NO_OPTIONS = {};

function foundIn(loaded: Loaded, { keys, serializer }: LoadRequest): Found {
  const { status, loadedAt } = loaded;
  return { value: valueOf(loaded, keys.entry, serializer), status, loadedAt };
}
