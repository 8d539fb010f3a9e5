import type { RedisClient } from '../connection/options/options.js';
import { multiGet, type Reading } from './multi-get.js';

/** The most keys of one MGET: beyond it a longer command saves nothing that could be measured. */
const MOST_KEYS = 256;

/** What one MGET should not be expected to return more than, so that others are not held up by it. */
const MOST_BYTES = 256 * 1024;

/** The weight of the latest value in the running mean of sizes. */
const SIZE_WEIGHT = 1 / 64;

/**
 * Turns the reads that are asked for in one turn of the event loop into one MGET, de-duplicated: what
 * 64 callers would send as 64 GETs costs one command, one reply and one round trip. In a cluster it
 * is one MGET for each hash slot, sent together.
 *
 * A value is asked for before its command is sent and a command that was sent is never joined, so
 * nothing gets staler, and a write that was sent before the read is seen by it. Several MGETs are
 * sent when there are more than 256 keys, or fewer where values are large.
 *
 * @internal
 */
export class ReadCoalescer {
  readonly #client: RedisClient;
  #waiting = new Map<string, Waiting>();
  #meanSize = 0;

  private constructor(client: RedisClient) {
    this.#client = client;
  }

  /** The coalescer of a client: everything that reads through one connection shares it. */
  static of(client: RedisClient): ReadCoalescer {
    let coalescer = coalescers.get(client);
    if (!coalescer) coalescers.set(client, (coalescer = new ReadCoalescer(client)));
    return coalescer;
  }

  /**
   * What is stored at a key, or `null`. Shares its round trip with all reads of this turn.
   *
   * @throws RedisException what this key's command was rejected with
   */
  read(key: string): Promise<string | null> {
    const known = this.#waiting.get(key);
    if (known) return known.promise;
    if (this.#waiting.size === 0) setImmediate(this.#flush);
    const waiting = new Waiting();
    this.#waiting.set(key, waiting);
    return waiting.promise;
  }

  readonly #flush = (): void => {
    const reads = this.#waiting;
    this.#waiting = new Map();
    const most = Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / this.#meanSize)));
    if (reads.size <= most) {
      void this.#send([...reads.keys()], [...reads.values()]);
      return;
    }
    const keys = [...reads.keys()];
    const waiting = [...reads.values()];
    for (let from = 0; from < keys.length; from += most) {
      void this.#send(keys.slice(from, from + most), waiting.slice(from, from + most));
    }
  };

  async #send(keys: readonly string[], waiting: readonly Waiting[]): Promise<void> {
    try {
      const readings = await multiGet(this.#client, keys);
      for (let i = 0; i < readings.length; i++) {
        const reading = readings[i] ?? null;
        if (typeof reading === 'string') {
          this.#meanSize += (reading.length - this.#meanSize) * SIZE_WEIGHT;
        }
        waiting[i]?.settle(reading);
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error); // a mistake in the program
    }
  }
}

const coalescers = new WeakMap<RedisClient, ReadCoalescer>();

/** Those who wait for one key. */
class Waiting {
  resolve!: (text: string | null) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<string | null>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  settle(reading: Reading): void {
    if (reading === null || typeof reading === 'string') this.resolve(reading);
    else this.reject(reading);
  }
}
