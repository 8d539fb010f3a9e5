import { writeKey } from '../connection/driver/written-mget.js';
import { RedisException } from '../errors/redis.exception.js';
import type { Reading } from './multi-key.js';
import type { ReadList } from './read-list.js';

/** The most keys of one MGET: beyond it a longer command saves nothing that could be measured. */
export const MOST_KEYS = 256;

/** The hash slot of keys that are all on one server. */
export const NO_SLOT = -1;

/** Who is given what was read of a key, and of a list beside it. */
export interface ReadSink {
  /**
   * Told of each of the commands that it waits for as it is answered; afterwards of all of them.
   *
   * @param slot of the keys that the command named; {@link NO_SLOT} where there is one server
   * @param failure what it failed with
   */
  heard(slot: number, failure: RedisException | undefined): void;
  /**
   * @param stored as it is stored, for all who asked for it in this turn: not to be changed
   * @param beside in the order of the list; the same array for all who gave this list in this turn
   */
  succeed(stored: Buffer | null, beside: readonly (string | null)[]): void;
  /** With what one of the keys could not be read for: together they are of no use then. */
  fail(error: Error): void;
}

/** What goes into one command, and who waits for it. */
export class Part {
  readonly keys: string[] = [];
  /** The same keys, those of a list together: what they look like in a command is known then. */
  readonly written: (string | ReadList)[] = [];
  readonly groups: Group[] = [];
  /** The place of its first key: its number among the parts of its turn, times {@link MOST_KEYS}. */
  readonly from: number;
  /** The hash slot of all of its keys. */
  readonly slot: number;
  /** What the command failed with. */
  failure: RedisException | undefined;
  readonly #readers: (Reader | undefined)[] = [];
  /** By index: whether a group has asked for it as it is stored. */
  readonly #isGroups: (true | undefined)[] = [];
  #readings: readonly Reading<Buffer | string>[] = [];

  constructor(from: number, slot: number) {
    this.from = from;
    this.slot = slot;
  }

  /** Its keys as they stand in a command. */
  write(): string {
    let written = '';
    for (const one of this.written)
      written += typeof one === 'string' ? writeKey(one) : one.written;
    return written;
  }

  readerAt(place: number): Reader {
    return (this.#readers[place - this.from] ??= new Reader());
  }

  /** Of one whose own key has this place. */
  add(group: Group, place: number): void {
    this.groups.push(group);
    this.#isGroups[place - this.from] = true;
  }

  /** Of one whose own key is in another part. */
  addToo(group: Group): void {
    this.groups.push(group);
    group.missing++;
  }

  /** As it is stored, if it has the place of a group's own key. */
  storedAt(place: number): Reading<Buffer> {
    return (this.#readings[place - this.from] as Reading<Buffer> | undefined) ?? null;
  }

  textAt(place: number): Reading {
    return textOf(this.#readings[place - this.from] ?? null);
  }

  settle(readings: readonly Reading<Buffer>[]): void {
    const [first = null] = readings;
    this.failure = isFailure(first) ? first : undefined;
    this.#readings = this.#withTexts(readings);
    for (let i = 0; i < this.#readers.length; i++)
      this.#readers[i]?.settle(this.textAt(this.from + i));
    for (const group of this.groups) group.settle(this);
  }

  /** Once for all who ask for a text. */
  #withTexts(readings: readonly Reading<Buffer>[]): readonly Reading<Buffer | string>[] {
    const all = new Array<Reading<Buffer | string>>(readings.length);
    for (let i = 0; i < all.length; i++) {
      const reading = readings[i] as Reading<Buffer>;
      all[i] = reading === null || this.#isGroups[i] === true ? reading : textOf(reading);
    }
    return all;
  }

  /** After a mistake in the program. */
  reject(error: unknown): void {
    for (const reader of this.#readers) reader?.reject(error);
    for (const group of this.groups) group.reject(this.slot, error);
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
    if (isFailure(reading)) this.reject(reading);
    else this.resolve(reading);
  }
}

/** One who waits for a key and a list. */
export class Group {
  /** For how many parts it still waits. */
  missing = 1;
  readonly #sink: ReadSink;
  readonly #part: Part;
  readonly #place: number;
  readonly #beside: ListInTurn | undefined;

  constructor(sink: ReadSink, part: Part, place: number, beside: ListInTurn | undefined) {
    this.#sink = sink;
    this.#part = part;
    this.#place = place;
    this.#beside = beside;
  }

  settle({ slot, failure }: Part): void {
    this.#sink.heard(slot, failure);
    if (--this.missing > 0) return;
    const reading = this.#part.storedAt(this.#place);
    if (isFailure(reading)) this.#sink.fail(reading);
    else if (!this.#beside) this.#sink.succeed(reading, NOTHING);
    else this.#beside.give(this.#sink, reading);
  }

  reject(slot: number, error: unknown): void {
    this.#sink.heard(slot, undefined);
    this.#sink.fail(error as Error);
  }
}

const NOTHING: readonly never[] = [];

/** The keys of a list that was asked for in this turn, whoever asked. */
export class ListInTurn {
  readonly parts: readonly Part[];
  readonly #places: readonly number[];
  #texts: (string | null)[] | undefined;
  #failure: RedisException | undefined;

  constructor(places: readonly number[], parts: readonly Part[]) {
    this.#places = places;
    this.parts = parts;
  }

  /** When all of its parts have settled. */
  give(sink: ReadSink, stored: Buffer | null): void {
    this.#texts ??= this.#read();
    if (this.#failure) sink.fail(this.#failure);
    else sink.succeed(stored, this.#texts);
  }

  #read(): (string | null)[] {
    const texts = new Array<string | null>(this.#places.length);
    for (let i = 0; i < texts.length; i++) {
      const reading = this.#readingAt(this.#places[i] as number);
      if (reading === null || typeof reading === 'string') texts[i] = reading;
      else this.#failure ??= reading;
    }
    return texts;
  }

  #readingAt(place: number): Reading {
    const first = place - (place % MOST_KEYS);
    return (this.parts.find(({ from }) => from === first) as Part).textAt(place);
  }
}

function textOf(reading: Reading<Buffer | string>): Reading {
  return Buffer.isBuffer(reading) ? reading.toString() : reading;
}

function isFailure(reading: Reading<unknown>): reading is RedisException {
  return reading instanceof RedisException;
}
