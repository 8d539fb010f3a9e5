import { isCluster } from '../connection/driver/hash-slots.js';
import type { RedisClient } from '../connection/options/options.js';
import { readBytesTogether } from './multi-key.js';
import type { ReadList } from './read-list.js';
import { MOST_KEYS, type Part, type ReadSink } from './read-part.js';
import { Turn } from './read-turn.js';

/** What one MGET should not be expected to return more than, so that others are not held up by it. */
const MOST_BYTES = 256 * 1024;

/** The weight of the latest value in the running mean of sizes. */
const SIZE_WEIGHT = 1 / 64;

/**
 * Turns the reads that are asked for in one turn of the event loop into one MGET, de-duplicated: what
 * 64 callers would send as 64 GETs costs one command, one reply and one round trip. In a cluster it
 * is one MGET for each hash slot, sent together, and each caller waits for those only that name its own
 * keys: a server that does not answer holds up nobody who asks others.
 *
 * A value is asked for before its command is sent and a command that was sent is never joined, so
 * nothing gets staler, and a write that was sent before the read is seen by it. Several MGETs are
 * sent when there are more than 256 keys, or fewer where values are large.
 *
 * @internal
 */
export class ReadCoalescer {
  readonly #client: RedisClient;
  #turn: Turn | undefined;
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
   * The text that is stored at a key, or `null`. Shares its round trip with all reads of this turn.
   *
   * @throws RedisException what this key's command was rejected with
   */
  read(key: string): Promise<string | null> {
    return this.#now().read(key);
  }

  /**
   * What is stored at a key, as it is stored, and the texts of a list of others that are of use only
   * together with it. No promise is made: whoever reads this often has one.
   *
   * @param sink is given a RedisException for what could not be read
   */
  readInto(sink: ReadSink, key: string, list: ReadList): void {
    this.#now().readInto(sink, key, list);
  }

  #now(): Turn {
    if (this.#turn) return this.#turn;
    setImmediate(this.#flush);
    const most = Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / this.#meanSize)));
    return (this.#turn = new Turn({ most, isCluster: isCluster(this.#client) }));
  }

  readonly #flush = (): void => {
    const turn = this.#turn as Turn;
    this.#turn = undefined;
    for (const part of turn.parts) void this.#send(part);
  };

  async #send(part: Part): Promise<void> {
    try {
      const readings = await readBytesTogether(this.#client, part.keys, () => part.write());
      for (const reading of readings) {
        if (reading === null || !Buffer.isBuffer(reading)) continue;
        this.#meanSize += (reading.length - this.#meanSize) * SIZE_WEIGHT;
      }
      part.settle(readings);
    } catch (error) {
      part.reject(error); // a mistake in the program
    }
  }
}

const coalescers = new WeakMap<RedisClient, ReadCoalescer>();
