import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { CacheKey, CacheResult, LoadContext } from '../../../../src/cache/cache-options.js';
import { RedisException } from '../../../../src/index.js';
import { RedisSerializationException } from '../../../../src/index.js';
import type { HistoryCache } from './history-cache.js';
import type { HistoryKey, Loaded } from './history-keys.js';
import { monotonicMs, Phase, type SharedState } from './shared-state.js';

export interface Violation {
  readonly what: string;
  readonly key: string;
  readonly events: readonly string[];
}

export interface CallerTools {
  readonly state: SharedState;
  readonly worker: number;
  readonly random: () => number;
  /** Not behind a proxy. */
  readonly redis: Redis;
  readonly report: (violation: Violation) => void;
}

/** No call may take longer: two loads that run into their time limit, and what it waits for Redis. */
const LONGEST_CALL_MS = 8_000;

/** With these limits no caller has to load alone, and no lease ends, because this machine is busy. */
const PATIENT = { timeout: '5s', loadTimeout: '5s' } as const;

/** The lease of a thread that was killed at the end of the calm, 10 s, and then one more load. */
const LONGEST_PATIENT_CALL_MS = 16_000;

class LoaderFailure extends Error {}

/** The result of a read. A read of several keys does not tell the status of each. */
type Judged = Pick<CacheResult<Loaded>, 'value'> & {
  readonly status: CacheResult<Loaded>['status'] | 'together' | 'near';
};

/** How many of the reads want what Redis has. */
const PART_WITHOUT_NEAR = 0.02;

/** The state that a read has to show, of each row of its value. */
interface Floor {
  readonly acked: readonly number[];
  readonly flushes: number;
}

/** Reads, and compares the result with the acknowledged state. */
export class HistoryCaller {
  readonly #tools: CallerTools;

  constructor(tools: CallerTools) {
    this.#tools = tools;
  }

  /** @returns whether it came from the near copy */
  async read(cache: HistoryCache, key: HistoryKey, isCalm: boolean): Promise<boolean> {
    const { state, worker, random } = this.#tools;
    const abort = !isCalm && random() < 0.03 ? new AbortController() : undefined;
    if (abort) setTimeout(() => abort.abort(), random() * 10);
    const withoutNear = random() < PART_WITHOUT_NEAR;
    const usual = key.options();
    const options =
      (abort ?? (isCalm || withoutNear))
        ? {
            ...usual,
            ...(abort && { signal: abort.signal }),
            ...(isCalm && PATIENT),
            ...(withoutNear && { near: false }),
          }
        : usual;
    const floor = this.#floor(cache, key);
    const nearFloor = this.#nearFloor(cache, key);
    const { nearHits } = cache;
    const startedAt = performance.now();
    let isNear = false;
    try {
      const load = (context: LoadContext) => this.#load(key, context, isCalm);
      const resolving = cache.cache.resolve(key.name, load, options);
      isNear = cache.nearHits > nearHits; // served before the call has returned
      if (isNear) state.count(worker, 'nearHits');
      const result = await resolving;
      if (isNear) this.#judge(key, nearFloor, { value: result.value, status: 'near' });
      else this.#judge(key, floor, result);
      if (isNear && withoutNear) this.#report('came from the near copy', key);
    } catch (error) {
      state.count(worker, 'failedReads');
      if (!isExpected(error, abort?.signal)) this.#report(`threw ${String(error)}`, key);
    }
    const tookMs = performance.now() - startedAt;
    state.count(worker, 'reads');
    state.noteSlowest(worker, tookMs);
    if (tookMs > (isCalm ? LONGEST_PATIENT_CALL_MS : LONGEST_CALL_MS))
      this.#report(`took ${Math.round(tookMs)} ms`, key);
    return isNear;
  }

  /** Reads entries of one kind together: their options differ by key only. */
  async readAll(cache: HistoryCache, keys: readonly HistoryKey[], isCalm: boolean): Promise<void> {
    const { state, worker } = this.#tools;
    const byName = new Map(keys.map((key) => [key.name, key] as const));
    const of = (name: CacheKey) => byName.get(name) as HistoryKey;
    const { ttl, staleFor, failSafe } = keys[0]?.options() ?? {};
    const isNear = this.#tools.random() >= PART_WITHOUT_NEAR;
    const floors = keys.map((key) =>
      isNear ? this.#nearFloor(cache, key) : this.#floor(cache, key),
    );
    const startedAt = performance.now();
    try {
      const found = await cache.cache.getOrLoadAll(
        [...byName.keys()],
        async (missing, context) => {
          // One that fails leaves the loads of the others behind, of which a lease says nothing any more.
          const load = (name: CacheKey) => this.#load(of(name), context.of(name), isCalm, !isCalm);
          const values = await Promise.all(missing.map(load));
          return new Map(missing.map((name, i) => [name, values[i] as Loaded]));
        },
        {
          ttl,
          staleFor,
          failSafe,
          tags: (name) => of(name).options().tags ?? [],
          dependsOn: (name) => of(name).options().dependsOn ?? [],
          near: isNear,
          ...(isCalm && PATIENT),
        },
      );
      keys.forEach((key, i) => {
        const value = found.get(key.name);
        if (value !== undefined)
          this.#judge(key, floors[i] as Floor, { value, status: 'together' });
        else this.#report('was left out of many', key);
      });
    } catch (error) {
      state.count(worker, 'failedReads');
      if (!isExpected(error, undefined)) {
        for (const key of keys) this.#report(`threw ${String(error)}`, key);
      }
    }
    const tookMs = performance.now() - startedAt;
    state.count(worker, 'reads', keys.length);
    state.count(worker, 'together', keys.length);
    state.noteSlowest(worker, tookMs);
    const longestMs = isCalm ? LONGEST_PATIENT_CALL_MS : LONGEST_CALL_MS;
    for (const key of tookMs > longestMs ? keys : []) {
      this.#report(`took ${Math.round(tookMs)} ms`, key);
    }
  }

  /** After the last write each read must return the newest value. */
  async expectNewest({ cache }: HistoryCache, key: HistoryKey): Promise<void> {
    const { state, redis } = this.#tools;
    const pause = async () => undefined;
    const load = (context: LoadContext) => key.load(context, state, redis, pause);
    const value = await cache.getOrLoad(key.name, load, {
      ...key.options(),
      ...PATIENT,
      near: false,
    });
    for (const [name, row] of key.rows) {
      const found = value?.[name];
      const written = state.read(row);
      if (key.kind === 'negative' && value === null && written % 2 === 0) continue;
      const newest = name === 'foreign' ? Number(await redis.get(key.foreignKey)) : written;
      if (found !== newest) this.#report(`ends with ${name} ${found}, not ${newest}`, key);
    }
  }

  /** The state that is acknowledged now. */
  #floor({ connection: { own } }: HistoryCache, key: HistoryKey): Floor {
    const { state } = this.#tools;
    let flushes = -1;
    const acked = key.rows.map(([name, row]) => {
      if (name === 'foreign') flushes = Atomics.load(state.flushesAtAck, row);
      return Math.max(Atomics.load(state.acked, row), own[row] as number);
    });
    return { acked, flushes };
  }

  /** The state that was acknowledged so long ago that a near copy has to know it, and the own changes. */
  #nearFloor(cache: HistoryCache, key: HistoryKey): Floor {
    const { stalenessMs, connection } = cache;
    if (stalenessMs === 0) return this.#floor(cache, key);
    const { state } = this.#tools;
    const moment = monotonicMs() - stalenessMs;
    const acked = key.rows.map(([, row]) =>
      Math.max(state.ackedAt(row, moment), connection.own[row] as number),
    );
    return { acked, flushes: -1 };
  }

  #judge(key: HistoryKey, { acked, flushes }: Floor, result: Judged): void {
    const { state, worker } = this.#tools;
    const { status, value } = result;
    if (status === 'hit') state.count(worker, 'hits');
    if (status === 'stale') state.count(worker, 'stale');
    if (status === 'bypass') state.count(worker, 'bypasses');
    key.rows.forEach(([name, row], i) => {
      const least = acked[i] as number;
      if (key.kind === 'negative' && value === null) {
        // There was nothing at each even version.
        if (least % 2 === 0 || state.read(row) > least) return;
      }
      const found = value?.[name];
      // Values whose source is Redis itself may have been lost by FLUSHALL.
      if (found === null && (flushes === -1 || flushes !== state.flushesBegun)) return;
      if ((found ?? 0) < least) {
        this.#report(`${status}: ${name} is ${found}, and ${least} had been acknowledged`, key);
      }
    });
  }

  async #load(
    key: HistoryKey,
    context: LoadContext,
    isCalm: boolean,
    mayFail = true,
  ): Promise<Loaded> {
    const { state, worker, redis, random } = this.#tools;
    const { signal } = context;
    state.count(worker, 'loads');
    state.log(key.index, 'load', worker, state.read(key.index));
    const loads = state.loadBegins(worker, key.index);
    const isStillCalm = isCalm && state.phase === Phase.calm && !state.wasRedisAway(key.index);
    // A change whose end was not acknowledged, or whose thread is dead, lasts: meanwhile each caller loads.
    if (isStillCalm && loads > 1 && key.kind !== 'changed')
      this.#report(`${loads} loads at once`, key);
    let hasEnded = false;
    const end = () => {
      if (!hasEnded) state.loadEnds(worker, key.index);
      hasEnded = true;
    };
    signal.addEventListener('abort', end, { once: true }); // it counts no longer
    try {
      const luck = random();
      if (luck < 0.005 && !isCalm) await sleep(30_000, undefined, { signal }); // hangs until it is given up
      const value = await key.load(context, state, redis, () => this.#pause());
      if (luck > 0.97 && mayFail) throw new LoaderFailure('by chance');
      state.log(key.index, 'loaded', worker, value?.own ?? -1);
      return value;
    } finally {
      end();
    }
  }

  async #pause(): Promise<void> {
    const { random } = this.#tools;
    const luck = random();
    if (luck < 0.3) return;
    if (luck < 0.8) await new Promise(setImmediate);
    else if (luck < 0.98) await sleep(luck * 4);
    else await sleep(random() * 60);
  }

  #report(what: string, key: HistoryKey): void {
    const { state, worker, report } = this.#tools;
    const events = key.rows.flatMap(([name, row]) =>
      state.history(row).map((line) => `${name}: ${line}`),
    );
    report({ what: `worker ${worker}: ${what}`, key: String(key.name), events });
  }
}

function isExpected(error: unknown, signal: AbortSignal | undefined): boolean {
  if (signal?.aborted && error === signal.reason) return true;
  if (error instanceof RedisSerializationException) return false;
  // A failure of Redis in a read of the loader is a failure of the loader.
  return (
    error instanceof LoaderFailure ||
    error instanceof RedisException ||
    (error as Error).name === 'MaxRetriesPerRequestError'
  );
}
