import { setImmediate as nextTurn } from 'node:timers/promises';
import { CHUNK_KEYS, chunksOf, inSlices } from '../batch/chunks.js';
import { whenAborted } from '../time/until-abort.js';
import type { CacheKeys } from './cache-keys.js';
import type {
  CacheKey,
  GetOrLoadAllOptions,
  GetOrLoadOptions,
  LoaderOfAll,
} from './cache-options.js';
import type { CacheAnnouncer } from './cache-announcer.js';
import { resolvePolicy, type ResolvedPolicy } from './cache-policy.js';
import type { Finder, Found } from './finder.js';
import type { Caller } from './load/single-flight.js';
import { GatheredLoads, type Gathered } from './load/gathered-loads.js';
import type { LoadCall, LoadRequest } from './load/load-request.js';
import { nextMoment } from './load/progress.js';
import { Budget } from './outage/budget.js';
import type { LoadGate } from './outage/load-gate.js';
import type { Verdict } from './store/entry-reader.js';

/** The parts of a cache that a call for many keys uses. */
export interface CacheOfAll {
  readonly keys: CacheKeys;
  readonly policy: ResolvedPolicy;
  readonly finder: Finder;
  readonly gate: LoadGate;
  readonly announcer: CacheAnnouncer;
}

/** A caller of one key, and the options of that key. */
interface Asking<V> {
  readonly caller: Caller;
  readonly options: GetOrLoadOptions<V | undefined>;
}

/** A caller of what is missing, and the verdict on it: `undefined` if Redis is away. */
interface Missing {
  readonly caller: Caller;
  readonly verdict: Verdict | undefined;
}

/**
 * Looks for all keys, then loads the missing ones. Does for each key what `getOrLoad` does, but loads that
 * are ready to begin wait for each other, and are one call of the loader.
 *
 * @internal
 */
export async function loadAll<K extends CacheKey, V>(
  cache: CacheOfAll,
  given: readonly K[],
  loadMissing: LoaderOfAll<K, V>,
  options: GetOrLoadAllOptions<K, V>,
): Promise<Map<K, V>> {
  const { announcer, finder } = cache;
  const { signal } = options;
  signal?.throwIfAborted();
  const moment = nextMoment();
  const all = [...given]; // the caller may change the list meanwhile
  const [first] = all;
  if (first === undefined) return new Map();
  const entries: string[] = [];
  const callers = new Map<string, Asking<V>>();
  const values = new Map<string, unknown>();
  const requests = new Requests(first, cache, loadMissing, options);
  await inSlices(all, (key) => {
    const { entry } = cache.keys.of(key);
    entries.push(entry);
    if (callers.has(entry) || values.has(entry)) return;
    const ofKey = requests.optionsOf(key);
    const near = finder.near(key, ofKey);
    if (near) {
      values.set(entry, near.value);
      return;
    }
    const request = requests.make(key, ofKey);
    const budget = new Budget(request.policy.timeoutMs);
    callers.set(entry, { caller: { request, budget, signal, moment }, options: ofKey });
  });

  const give = (entry: string, { value, status }: Found) => {
    values.set(entry, value);
    announcer.request(entry, status);
  };

  const missing: Missing[] = [];
  const stale: Missing[] = [];
  let isFirst = true;
  for (const chunk of chunksOf(callers.keys(), () => 0)) {
    if (!isFirst) await nextTurn();
    isFirst = false;
    const asking = chunk.map((entry) => callers.get(entry) as Asking<V>);
    const looked = await Promise.all(
      asking.map(({ caller, options }) => finder.look(caller, options)),
    );
    looked.forEach(({ found, verdict }, i) => {
      const { caller } = asking[i] as Asking<V>;
      if (!found) missing.push({ caller, verdict });
      else if (found.status === 'stale') stale.push({ caller, verdict });
      if (found) give(chunk[i] as string, found);
    });
  }

  // As many as one call of the loader is given. Those that are left are refreshed for the next reader.
  for (const { caller, verdict } of stale.slice(0, Math.max(0, CHUNK_KEYS - missing.length))) {
    finder.refresh(caller.request, verdict as Verdict);
  }
  if (missing.length > 0) {
    await untilOneFails(signal, async (leaving) => {
      for (let from = 0; from < missing.length; from += CHUNK_KEYS) {
        const load = async ({ caller, verdict }: Missing) => {
          const found = await finder.load({ ...caller, signal: leaving }, verdict);
          give(caller.request.keys.entry, found);
        };
        await Promise.all(missing.slice(from, from + CHUNK_KEYS).map(load));
      }
    });
  }

  const result = new Map<K, V>();
  await inSlices(all, (key, i) => {
    const value = values.get(entries[i] as string);
    if (value !== undefined) result.set(key, value as V);
  });
  return result;
}

/** Makes the requests of one call, which share one loader. */
class Requests<K extends CacheKey, V> {
  readonly #finder: Finder;
  readonly #options: GetOrLoadAllOptions<K, V>;
  readonly #peers: GatheredLoads<K, V>;
  readonly #isPerKey: boolean;
  #asked = 0;

  constructor(
    first: K,
    { keys, policy, finder, gate }: CacheOfAll,
    loadMissing: LoaderOfAll<K, V>,
    options: GetOrLoadAllOptions<K, V>,
  ) {
    const { ttl, tags, dependsOn, ...others } = options;
    const { loadTimeoutMs } = resolvePolicy(others, policy);
    this.#finder = finder;
    this.#options = options;
    this.#peers = new GatheredLoads<K, V>(
      (gathered, signal) => callLoader(keys, loadMissing, gathered, signal),
      gate.turn(keys.of(first).entry, loadTimeoutMs),
      loadTimeoutMs,
    );
    this.#isPerKey = [ttl, tags, dependsOn].some((option) => typeof option === 'function');
  }

  optionsOf(key: K): GetOrLoadOptions<V | undefined> {
    if (!this.#isPerKey) return this.#options as GetOrLoadOptions<V | undefined>; // the same for all
    const { ttl, tags, dependsOn, ...others } = this.#options;
    return { ...others, ttl: of(ttl, key), tags: of(tags, key), dependsOn: of(dependsOn, key) };
  }

  make(key: K, options: GetOrLoadOptions<V | undefined>): LoadRequest {
    const place = this.#asked++;
    const load = (context: LoadCall): Promise<V | undefined> =>
      this.#peers.load({ key, entry: request.keys.entry, place, context });
    const request = this.#finder.request(key, load, options, this.#peers);
    return request;
  }
}

/** The value of an option for a key. */
function of<K, Option>(option: Option | ((key: K) => Option), key: K): Option {
  return typeof option === 'function' ? (option as (key: K) => Option)(key) : option;
}

/** @returns the values by entry */
async function callLoader<K extends CacheKey, V>(
  keys: CacheKeys,
  loadMissing: LoaderOfAll<K, V>,
  gathered: readonly Gathered<K>[],
  signal: AbortSignal,
): Promise<ReadonlyMap<string, V>> {
  const byEntry = new Map(gathered.map((one) => [one.entry, one]));
  const of = (key: K) => {
    const one = byEntry.get(keys.of(key).entry);
    if (!one) throw new TypeError('context.of() was asked for a key that is not to be loaded');
    return { ...one.context, signal }; // the loader serves others, too, when this one is left
  };
  const loaded: unknown = await loadMissing(
    gathered.map(({ key }) => key),
    { signal, of },
  );
  if (!isMap<V>(loaded)) {
    throw new TypeError('The loader of getOrLoadAll has to return a Map of values by key');
  }
  const known = new Map<CacheKey, string>(gathered.map(({ key, entry }) => [key, entry]));
  const values = new Map<string, V>();
  for (const [key, value] of loaded) values.set(known.get(key) ?? keys.of(key).entry, value);
  return values;
}

/** Not `instanceof`: it may come from another realm. */
function isMap<V>(value: unknown): value is ReadonlyMap<CacheKey, V> {
  return Object.prototype.toString.call(value) === '[object Map]';
}

/**
 * Leaves all loads of a call when the first of them fails, so that no further one begins for nothing. Loads
 * whose values have arrived store them first.
 */
async function untilOneFails(
  signal: AbortSignal | undefined,
  work: (leaving: AbortSignal) => Promise<void>,
): Promise<void> {
  const leaving = new AbortController();
  signal?.throwIfAborted();
  const takeBack =
    signal &&
    whenAborted(signal, () => {
      leaving.abort(signal.reason);
    });
  try {
    await work(leaving.signal);
  } catch (error) {
    setImmediate(() => {
      leaving.abort(error);
    });
    throw error;
  } finally {
    takeBack?.();
  }
}
