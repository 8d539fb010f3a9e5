import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisCache } from '../../../../src/cache/redis-cache.js';
import { KeyBuilder } from '../../../../src/index.js';
import type { Duration } from '../../../../src/time/duration.js';
import { monotonicMs } from '../history/shared-state.js';
import { openConnection } from '../open-connection.js';

/** How many values there are. Each is invalidated by a tag of its own. */
export const ROWS = 16;

export const stalenessKeys = new KeyBuilder({ app: 'staleness', environment: 'test' });

export const tagOf = (row: number): string => `row-${row}`;
export const sourceOf = (row: number): string => `source-${row}`;

export interface ReaderSettings {
  readonly staleness: Duration;
  /** The port of the way to the cache, which is harmed. */
  readonly port: number;
  /** The port of the server with the source of the values, to which nothing happens. */
  readonly sourcePort: number;
}

/** When a version of a row was last seen by a read: the moment at which that read began. */
export type Sight = readonly [row: number, version: number, lastBegan: number];

/** The versions that the reads since the last report have seen. */
export interface ReaderReport {
  readonly nearReads: number;
  readonly otherReads: number;
  readonly near: readonly Sight[];
  readonly others: readonly Sight[];
}

/** So many reads follow each other without a look at what has arrived. */
const READS_AT_ONCE = 100;

/**
 * Reads rows all the time, mostly from the near copy. Sends `ready` when it has one, and a report for each
 * message that it gets.
 */
export async function readInChild(settings: ReaderSettings): Promise<void> {
  const { port, sourcePort, staleness } = settings;
  const { client } = await openConnection({ host: '127.0.0.1', port, commandTimeout: '1s' });
  const source = new Redis(sourcePort, '127.0.0.1');
  const near = { maxBytes: 2 ** 20, staleness };
  const cache = new RedisCache(client, stalenessKeys, {
    ttl: '1m',
    near,
    breakerCooldown: '100ms',
  });
  const seen = new Sights();
  process.on('message', () => process.send?.(seen.report()));
  process.on('disconnect', () => process.exit());
  let isReady = false;
  const readRow = async (row: number) => {
    const options = { tags: [tagOf(row)] };
    const began = monotonicMs();
    const found = cache.near<number>(tagOf(row), options);
    if (found) seen.note(true, row, found.value, began);
    else {
      const load = async () => Number(await source.get(sourceOf(row)));
      const value = await cache.getOrLoad(tagOf(row), load, options).catch(() => undefined);
      if (value !== undefined) seen.note(false, row, value, began);
    }
    if (found && !isReady) process.send?.('ready');
    isReady ||= found !== undefined;
  };
  const readOn = async (row: number) => {
    for (let n = row; ; n++) {
      await readRow(row);
      if (n % READS_AT_ONCE === 0) await sleep(1);
    }
  };
  await Promise.all(Array.from({ length: ROWS }, (_, row) => readOn(row)));
}

/** The latest sight of each version. */
class Sights {
  #near = new Map<string, Sight>();
  #others = new Map<string, Sight>();
  #nearReads = 0;
  #otherReads = 0;

  note(isNear: boolean, row: number, version: number, began: number): void {
    if (isNear) this.#nearReads++;
    else this.#otherReads++;
    (isNear ? this.#near : this.#others).set(`${row} ${version}`, [row, version, began]);
  }

  report(): ReaderReport {
    const near = [...this.#near.values()];
    const others = [...this.#others.values()];
    const report = { nearReads: this.#nearReads, otherReads: this.#otherReads, near, others };
    this.#near = new Map();
    this.#others = new Map();
    this.#nearReads = this.#otherReads = 0;
    return report;
  }
}
