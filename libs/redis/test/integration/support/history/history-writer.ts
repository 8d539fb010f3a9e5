import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { pickFrom } from '../random.js';
import type { HistoryCache } from './history-cache.js';
import { ALL_KEYS, foreignKey, type HistoryKey } from './history-keys.js';
import { FOREIGN, GROUPS, KEYS, type SharedState } from './shared-state.js';

export interface WriterTools {
  readonly state: SharedState;
  readonly worker: number;
  readonly workers: number;
  /** Whether caches have near copies, from which a write to a group takes a quarter. */
  readonly near: boolean;
  readonly random: () => number;
  /** Not behind a proxy. */
  readonly redis: Redis;
}

const SAFE_IN_CALM = ['tag', 'stale', 'found', 'late', 'foreign', 'negative', 'many tags'];

/** Changes the source of truth, and then says so to a cache. */
export class HistoryWriter {
  readonly #tools: WriterTools;
  readonly #busy = new Set<number>();

  constructor(tools: WriterTools) {
    this.#tools = tools;
  }

  /** @param isCalm only in ways that leave the leases of loads under way alone */
  async write(cache: HistoryCache, isCalm: boolean): Promise<void> {
    const { random, near } = this.#tools;
    const luck = random();
    if (luck < (near ? 0.05 : 0.2)) return this.#writeGroup(cache, Math.floor(random() * GROUPS));
    if (luck < 0.35) return this.#writeForeign(Math.floor(random() * FOREIGN));
    const key = pickFrom(random, ALL_KEYS);
    if (isCalm && !SAFE_IN_CALM.includes(key.kind)) return;
    await this.#writeOwn(cache, key);
  }

  /** So that all that was written has been acknowledged. */
  async writeForTheLastTime(cache: HistoryCache): Promise<void> {
    const { worker, workers, state } = this.#tools;
    const isMine = (n: number) => n % workers === worker;
    const rows = ALL_KEYS.filter(({ index }) => isMine(index)).map(
      (key) => [key.index, () => key.invalidate(cache)] as const,
    );
    for (let n = 0; n < GROUPS; n++) {
      const invalidate = () => cache.cache.invalidateTags(`group-${n}`);
      if (isMine(n)) rows.push([KEYS + n, invalidate] as const);
    }
    for (const [row, invalidate] of rows) {
      const version = state.write(worker, row);
      while (!(await this.#acknowledged(cache, row, version, invalidate))) await sleep(50);
    }
    for (let n = 0; n < FOREIGN; n++) await this.#writeForeign(n);
  }

  async #writeGroup(cache: HistoryCache, n: number): Promise<void> {
    const { state, worker } = this.#tools;
    const row = KEYS + n;
    const version = state.write(worker, row);
    const invalidate = () => cache.cache.invalidateTags(`group-${n}`);
    await this.#acknowledged(cache, row, version, invalidate);
  }

  async #writeOwn(cache: HistoryCache, key: HistoryKey): Promise<void> {
    const { state, worker, workers, random } = this.#tools;
    if (key.kind === 'changed') return this.#change(cache, key);
    if (key.kind !== 'set') {
      const version = state.write(worker, key.index);
      await this.#acknowledged(cache, key.index, version, () => key.invalidate(cache));
      return;
    }
    // Of two who set a value at the same time one would have an old one: each key has its one writer.
    if (key.index % workers !== worker || this.#busy.has(key.index)) return;
    this.#busy.add(key.index);
    const version = state.write(worker, key.index);
    const change =
      random() < 0.6
        ? () => cache.cache.set(key.name, { own: version })
        : () => key.invalidate(cache);
    await this.#acknowledged(cache, key.index, version, change);
    this.#busy.delete(key.index);
  }

  /** Writes while Redis knows that the row is being changed. */
  async #change(cache: HistoryCache, { index, ownTag }: HistoryKey): Promise<void> {
    const { state, worker, random } = this.#tools;
    let version = 0;
    const work = async () => {
      await sleep(random() * 3);
      version = state.write(worker, index);
      await sleep(random() * 3);
    };
    await this.#told(
      cache,
      index,
      () => cache.cache.change({ tags: [ownTag] }, work),
      () => version,
    );
  }

  /** A row that is kept in Redis, written by one thread. */
  async #writeForeign(n: number): Promise<void> {
    const { state, worker, workers, redis } = this.#tools;
    const row = KEYS + GROUPS + n;
    if (n % workers !== worker || this.#busy.has(row)) return;
    this.#busy.add(row);
    const version = state.write(worker, row);
    const flushes = state.quietFlushes;
    Atomics.store(state.flushesAtAck, row, -1);
    try {
      await redis.set(foreignKey(n), version);
      state.acknowledge(worker, row, version);
      if (flushes === state.quietFlushes) Atomics.store(state.flushesAtAck, row, flushes);
    } catch {
      // not acknowledged
    }
    this.#busy.delete(row);
  }

  #acknowledged(
    cache: HistoryCache,
    row: number,
    version: number,
    change: () => Promise<unknown>,
  ): Promise<boolean> {
    return this.#told(cache, row, change, () => version);
  }

  /** @returns whether Redis has acknowledged it */
  async #told(
    { connection }: HistoryCache,
    row: number,
    change: () => Promise<unknown>,
    versionOf: () => number,
  ): Promise<boolean> {
    const { state, worker } = this.#tools;
    state.count(worker, 'writes');
    try {
      await change();
    } catch {
      state.count(worker, 'failedInvalidations');
      return false;
    }
    state.count(worker, 'invalidations');
    connection.invalidated(row, versionOf());
    if (connection.outbox.size > 0) return false; // other processes may not know it yet
    state.acknowledge(worker, row, versionOf());
    return true;
  }
}
