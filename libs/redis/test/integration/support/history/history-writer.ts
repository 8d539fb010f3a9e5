import { setTimeout as sleep } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type { RedisCache } from '../../../../src/cache/redis-cache.js';
import { pickFrom } from '../random.js';
import { ALL_KEYS, foreignKey, type HistoryKey } from './history-keys.js';
import { FOREIGN, GROUPS, KEYS, type SharedState } from './shared-state.js';

export interface WriterTools {
  readonly state: SharedState;
  readonly worker: number;
  readonly workers: number;
  readonly random: () => number;
  /** Not behind a proxy. */
  readonly redis: Redis;
}

const SAFE_IN_CALM = ['tag', 'stale', 'found', 'late', 'foreign'];

/** Changes the source of truth, and then says so to a cache. */
export class HistoryWriter {
  readonly #tools: WriterTools;
  readonly #busy = new Set<number>();

  constructor(tools: WriterTools) {
    this.#tools = tools;
  }

  /** @param isCalm only in ways that leave the leases of loads under way alone */
  async write(cache: RedisCache, isCalm: boolean): Promise<void> {
    const { random } = this.#tools;
    const luck = random();
    if (luck < 0.2) return this.#writeGroup(cache, Math.floor(random() * GROUPS));
    if (luck < 0.35) return this.#writeForeign(Math.floor(random() * FOREIGN));
    const key = pickFrom(random, ALL_KEYS);
    if (isCalm && !SAFE_IN_CALM.includes(key.kind)) return;
    await this.#writeOwn(cache, key);
  }

  /** So that all that was written has been acknowledged. */
  async writeForTheLastTime(cache: RedisCache): Promise<void> {
    const { worker, workers, state } = this.#tools;
    const isMine = (n: number) => n % workers === worker;
    const rows = ALL_KEYS.filter(({ index }) => isMine(index)).map(
      (key) => [key.index, () => key.invalidate(cache)] as const,
    );
    for (let n = 0; n < GROUPS; n++) {
      const invalidate = () => cache.invalidateTags(`group-${n}`);
      if (isMine(n)) rows.push([KEYS + n, invalidate] as const);
    }
    for (const [row, invalidate] of rows) {
      const version = state.write(worker, row);
      while (!(await this.#acknowledged(row, version, invalidate))) await sleep(50);
    }
    for (let n = 0; n < FOREIGN; n++) await this.#writeForeign(n);
  }

  async #writeGroup(cache: RedisCache, n: number): Promise<void> {
    const { state, worker } = this.#tools;
    const row = KEYS + n;
    const version = state.write(worker, row);
    await this.#acknowledged(row, version, () => cache.invalidateTags(`group-${n}`));
  }

  async #writeOwn(cache: RedisCache, key: HistoryKey): Promise<void> {
    const { state, worker, workers, random } = this.#tools;
    if (key.kind !== 'set') {
      const version = state.write(worker, key.index);
      await this.#acknowledged(key.index, version, () => key.invalidate(cache));
      return;
    }
    // Of two who set a value at the same time one would have an old one: each key has its one writer.
    if (key.index % workers !== worker || this.#busy.has(key.index)) return;
    this.#busy.add(key.index);
    const version = state.write(worker, key.index);
    const change =
      random() < 0.6 ? () => cache.set(key.name, { own: version }) : () => key.invalidate(cache);
    await this.#acknowledged(key.index, version, change);
    this.#busy.delete(key.index);
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

  async #acknowledged(row: number, version: number, change: () => Promise<unknown>) {
    const { state, worker } = this.#tools;
    state.count(worker, 'writes');
    try {
      await change();
    } catch {
      state.count(worker, 'failedInvalidations');
      return false;
    }
    state.count(worker, 'invalidations');
    state.acknowledge(worker, row, version);
    return true;
  }
}
