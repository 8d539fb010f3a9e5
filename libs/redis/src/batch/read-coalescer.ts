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
   * What is stored at a key, or `null`. Shares its round trip with all reads of this turn.
   *
   * @throws RedisException what this key's command was rejected with
   */
  read(key: string): Promise<string | null> {
    return this.#now().read(key);
  }

  /**
   * The same for several keys that are of use only together. For Redis's failures nothing fails: each
   * key has its own, in the order of `keys`. No promise is made: whoever reads this often has one.
   */
  readInto(sink: ReadSink, keys: readonly string[]): void {
    this.#now().readInto(sink, keys);
  }

  #now(): Turn {
    if (this.#turn) return this.#turn;
    setImmediate(this.#flush);
    return (this.#turn = new Turn());
  }

  readonly #flush = (): void => {
    const turn = this.#turn as Turn;
    this.#turn = undefined;
    const most = Math.max(1, Math.min(MOST_KEYS, Math.floor(MOST_BYTES / this.#meanSize)));
    for (const chunk of turn.chunks(most)) void this.#send(chunk);
  };

  async #send(chunk: Chunk): Promise<void> {
    try {
      const readings = await multiGet(this.#client, chunk.keys);
      for (const reading of readings) {
        if (typeof reading !== 'string') continue;
        this.#meanSize += (reading.length - this.#meanSize) * SIZE_WEIGHT;
      }
      chunk.settle(readings);
    } catch (error) {
      chunk.reject(error); // a mistake in the program
    }
  }
}

const coalescers = new WeakMap<RedisClient, ReadCoalescer>();

/** Who is given what was read of several keys. */
export interface ReadSink {
  succeed(readings: readonly Reading[]): void;
  /** After a mistake in the program. */
  fail(error: Error): void;
}

/** What was asked for in one turn of the event loop. */
class Turn {
  readonly #keys: string[] = [];
  readonly #places = new Map<string, number>();
  readonly #readers: (Reader | undefined)[] = [];
  readonly #groups: Group[] = [];

  read(key: string): Promise<string | null> {
    const place = this.#place(key);
    return (this.#readers[place] ??= new Reader()).promise;
  }

  readInto(sink: ReadSink, keys: readonly string[]): void {
    const places = new Array<number>(keys.length);
    for (let i = 0; i < keys.length; i++) places[i] = this.#place(keys[i] as string);
    this.#groups.push(new Group(sink, places));
  }

  /** In commands of so many keys at most. */
  chunks(most: number): Chunk[] {
    if (this.#keys.length <= most) {
      const all = new Chunk(0, this.#keys, this.#readers, this.#groups);
      for (const group of this.#groups) group.waitFor(1);
      return [all];
    }
    const chunks: Chunk[] = [];
    for (let from = 0; from < this.#keys.length; from += most) {
      const to = from + most;
      chunks.push(new Chunk(from, this.#keys.slice(from, to), this.#readers.slice(from, to), []));
    }
    for (const group of this.#groups) {
      const needed: number[] = [];
      for (const place of group.places) {
        const n = Math.floor(place / most);
        if (!needed.includes(n)) needed.push(n);
      }
      group.waitFor(needed.length);
      for (const n of needed) chunks[n]?.groups.push(group);
    }
    return chunks;
  }

  #place(key: string): number {
    const known = this.#places.get(key);
    if (known !== undefined) return known;
    const place = this.#keys.push(key) - 1;
    this.#places.set(key, place);
    return place;
  }
}

/** What goes into one command, and who waits for it. */
class Chunk {
  readonly groups: Group[];
  readonly keys: readonly string[];
  readonly #from: number;
  readonly #readers: readonly (Reader | undefined)[];

  constructor(
    from: number,
    keys: readonly string[],
    readers: readonly (Reader | undefined)[],
    groups: Group[],
  ) {
    this.#from = from;
    this.keys = keys;
    this.#readers = readers;
    this.groups = groups;
  }

  settle(readings: readonly Reading[]): void {
    for (let i = 0; i < this.#readers.length; i++) this.#readers[i]?.settle(readings[i] ?? null);
    for (const group of this.groups) group.take(readings, this.#from);
  }

  reject(error: unknown): void {
    for (const reader of this.#readers) reader?.reject(error);
    for (const group of this.groups) group.reject(error);
  }
}

/** Those who wait for one key. */
class Reader {
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

/** One who waits for several keys. */
class Group {
  readonly places: readonly number[];
  readonly #sink: ReadSink;
  readonly #readings: Reading[];
  #missing = 0;

  constructor(sink: ReadSink, places: readonly number[]) {
    this.#sink = sink;
    this.places = places;
    this.#readings = new Array<Reading>(places.length).fill(null);
  }

  waitFor(chunks: number): void {
    this.#missing = chunks;
  }

  /** @param from the place of the first of these readings */
  take(readings: readonly Reading[], from: number): void {
    for (let i = 0; i < this.places.length; i++) {
      const reading = readings[(this.places[i] as number) - from];
      if (reading !== undefined) this.#readings[i] = reading;
    }
    if (--this.#missing === 0) this.#sink.succeed(this.#readings);
  }

  reject(error: unknown): void {
    this.#sink.fail(error as Error);
  }
}
