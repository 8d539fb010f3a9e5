import { writeKey } from '../connection/driver/written-mget.js';
import { RedisException } from '../errors/redis.exception.js';
import type { Reading } from './multi-key.js';

/** Is given what was read of a key, and of a list beside it. */
export interface ReadSink {
  /**
   * Called as each of the commands is answered that the sink waits for, and before it is given anything.
   *
   * @param slot of the keys that the command named; {@link NO_SLOT} where there is one server
   * @param failure what the command failed with
   */
  heard(slot: number, failure: RedisException | undefined): void;
  /**
   * @param stored as it is stored, for all who asked for it in this turn: not to be changed
   * @param beside in the order of the list; the same array for all who gave this list in this turn
   */
  succeed(stored: Buffer | null, beside: readonly (string | null)[]): void;
  /** Called if one of the keys could not be read: the others are of no use without it. */
  fail(error: Error): void;
}

/** The most keys of one command: beyond it a longer command saves nothing that could be measured. */
export const MOST_KEYS = 256;

/** The hash slot of keys that are all on one server. */
export const NO_SLOT = -1;

/**
 * One MGET: its keys, and the readers that wait for it.
 *
 * @internal
 */
export class Command {
  readonly keys: string[] = [];
  /** The same keys, those of a list together: what they look like in a command is known then. */
  readonly written: (string | WrittenKeys)[] = [];
  readonly reads: Read[] = [];
  /** The place of its first key. */
  readonly from: number;
  /** The hash slot of all of its keys. */
  readonly slot: number;
  /** The reason if the command failed. */
  failure: RedisException | undefined;
  readonly #promises: (TextPromise | undefined)[] = [];
  #readings: readonly Reading<Buffer>[] = [];
  /** Made of the readings once for all who ask for a text. */
  readonly #texts: (Reading | undefined)[] = [];

  constructor(from: number, slot: number) {
    this.from = from;
    this.slot = slot;
  }

  /** Its keys as they stand in a command. */
  write(): string {
    let written = '';
    for (const one of this.written) {
      written += typeof one === 'string' ? writeKey(one) : one.written;
    }
    return written;
  }

  promiseAt(place: number): Promise<string | null> {
    return (this.#promises[place - this.from] ??= new TextPromise()).promise;
  }

  /** Lets a read wait for this command, too. */
  addTo(read: Read): void {
    this.reads.push(read);
    read.missing++;
  }

  settle(readings: readonly Reading<Buffer>[]): void {
    const [first = null] = readings;
    this.failure = first instanceof RedisException ? first : undefined;
    this.#readings = readings;
    for (let i = 0; i < this.#promises.length; i++) {
      this.#promises[i]?.settle(this.textAt(this.from + i));
    }
    for (const read of this.reads) read.settle(this);
  }

  /** After a mistake in the program. */
  reject(error: unknown): void {
    for (const promise of this.#promises) promise?.reject(error);
    for (const read of this.reads) read.reject(this.slot, error);
  }

  storedAt(place: number): Reading<Buffer> {
    return this.#readings[place - this.from] ?? null;
  }

  textAt(place: number): Reading {
    const i = place - this.from;
    const known = this.#texts[i];
    if (known !== undefined) return known;
    const reading = this.#readings[i] ?? null;
    return (this.#texts[i] = Buffer.isBuffer(reading) ? reading.toString() : reading);
  }
}

/** Keys of which it is known what they look like in a command. */
interface WrittenKeys {
  readonly written: string;
}

/** The text at a key, promised to all who asked for it in a turn. */
class TextPromise {
  resolve!: (text: string | null) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<string | null>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  settle(reading: Reading): void {
    if (reading instanceof RedisException) this.reject(reading);
    else this.resolve(reading);
  }
}

/**
 * One reader of a key and a list.
 *
 * @internal
 */
export class Read {
  /** For how many commands it still waits. */
  missing = 1;
  readonly #sink: ReadSink;
  readonly #command: Command;
  readonly #place: number;
  readonly #beside: ListRead | undefined;

  /** @param place of its own key, which the command names */
  constructor(sink: ReadSink, command: Command, place: number, beside: ListRead | undefined) {
    this.#sink = sink;
    this.#command = command;
    this.#place = place;
    this.#beside = beside;
  }

  settle({ slot, failure }: Command): void {
    this.#sink.heard(slot, failure);
    if (--this.missing > 0) return;
    const stored = this.#command.storedAt(this.#place);
    if (stored instanceof RedisException) this.#sink.fail(stored);
    else if (!this.#beside) this.#sink.succeed(stored, NOTHING);
    else this.#beside.give(this.#sink, stored);
  }

  reject(slot: number, error: unknown): void {
    this.#sink.heard(slot, undefined);
    this.#sink.fail(error as Error);
  }
}

const NOTHING: readonly never[] = [];

/**
 * A list in one turn: the places of its keys, and then their texts.
 *
 * @internal
 */
export class ListRead {
  readonly commands: readonly Command[];
  readonly #all: readonly Command[];
  readonly #places: readonly number[];
  #texts: (string | null)[] | undefined;
  #failure: RedisException | undefined;

  /**
   * @param all commands of the turn
   * @param commands that name keys of the list
   */
  constructor(all: readonly Command[], places: readonly number[], commands: readonly Command[]) {
    this.#all = all;
    this.#places = places;
    this.commands = commands;
  }

  /** When all of its commands have settled. */
  give(sink: ReadSink, stored: Buffer | null): void {
    this.#texts ??= this.#read();
    if (this.#failure) sink.fail(this.#failure);
    else sink.succeed(stored, this.#texts);
  }

  #read(): (string | null)[] {
    const texts = new Array<string | null>(this.#places.length);
    for (let i = 0; i < texts.length; i++) {
      const place = this.#places[i] as number;
      const reading = commandAt(this.#all, place).textAt(place);
      if (reading === null || typeof reading === 'string') texts[i] = reading;
      else this.#failure ??= reading;
    }
    return texts;
  }
}

/** The command that names the key with this place. */
export function commandAt(commands: readonly Command[], place: number): Command {
  return commands[Math.floor(place / MOST_KEYS)] as Command;
}
