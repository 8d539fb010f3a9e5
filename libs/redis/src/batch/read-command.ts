import type { StoredValues } from '../connection/driver/replies/stored-reply.js';
import { isAscii, writeArg } from '../connection/driver/written-command.js';
import { RedisException } from '../errors/redis.exception.js';
import type { Reading, Readings } from './multi-key.js';

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
  #readings: Readings | undefined;
  /** Made of the readings once for all who ask for a text of a list. */
  readonly #texts: (Reading | undefined)[] = [];
  #answered: Promise<void> | undefined;
  #answer: (() => void) | undefined;
  /** A mistake in the program. */
  #mistake: { readonly error: unknown } | undefined;

  constructor(from: number, slot: number) {
    this.from = from;
    this.slot = slot;
  }

  /** Its keys as they stand in a command. */
  write(): string {
    let written = '';
    for (const one of this.written) {
      written += typeof one === 'string' ? `$${one.length}\r\n${one}\r\n` : one.written;
    }
    return isAscii(written) ? written : this.keys.map(writeArg).join('');
  }

  /** Resolves when a text can be asked for: one promise for all who ask, each in its own context. */
  get answered(): Promise<void> {
    return (this.#answered ??= new Promise((resolve) => (this.#answer = resolve)));
  }

  /** @throws RedisException why the text could not be read */
  textOf(place: number): string | null {
    return this.#answerFor(place).textAt(place - this.from);
  }

  /** The same for those who parse the text and drop it. */
  passingTextOf(place: number): string | null {
    return this.#answerFor(place).passingTextAt(place - this.from);
  }

  #answerFor(place: number): StoredValues {
    if (this.#mistake) throw this.#mistake.error;
    const { stored, failures } = this.#readings as Readings;
    const failure = failures?.[place - this.from];
    if (failure) throw failure;
    return stored;
  }

  /** Lets a read wait for this command, too. */
  addTo(read: Read): void {
    this.reads.push(read);
    read.missing++;
  }

  settle(readings: Readings): void {
    this.failure = readings.failures?.[0];
    this.#readings = readings;
    for (const read of this.reads) read.settle(this);
    this.#answer?.();
  }

  /** After a mistake in the program. */
  reject(error: unknown): void {
    this.#mistake = { error };
    for (const read of this.reads) read.reject(this.slot, error);
    this.#answer?.();
  }

  storedAt(place: number): Buffer | null | RedisException {
    const { stored, failures } = this.#readings as Readings;
    return failures?.[place - this.from] ?? stored.bytesAt(place - this.from);
  }

  textAt(place: number): Reading {
    const i = place - this.from;
    const known = this.#texts[i];
    if (known !== undefined) return known;
    const { stored, failures } = this.#readings as Readings;
    return (this.#texts[i] = failures?.[i] ?? stored.textAt(i));
  }
}

/** Keys of which it is known what they look like in a command. */
interface WrittenKeys {
  readonly written: string;
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
