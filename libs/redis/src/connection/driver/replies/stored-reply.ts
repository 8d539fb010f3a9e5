import { isAscii } from 'node:buffer';

/**
 * The values at the keys of one MGET, in their order. Values are taken out of the reply when they are
 * asked for.
 *
 * @internal
 */
export interface StoredValues {
  readonly length: number;
  /** Bytes; 0 where there is nothing. */
  sizeAt(i: number): number;
  /** A view of the reply, which stays in memory with it. */
  bytesAt(i: number): Buffer | null;
  textAt(i: number): string | null;
  /**
   * A text that is only read and then dropped: the texts of the whole reply may stay in memory with it.
   * Takes a fifth of the time of {@link textAt} where the reply is ASCII.
   */
  passingTextAt(i: number): string | null;
}

/**
 * The reply to an MGET as it stands in the bytes that were received: `*2 $5 hello $-1`, with a line end after
 * each part (https://redis.io/docs/latest/develop/reference/protocol-spec/).
 *
 * @internal
 */
export class StoredReply implements StoredValues {
  /** Where the reply ends in the bytes. */
  readonly end: number;
  readonly #bytes: Buffer;
  /** The beginning and the end of each value, or {@link NONE} twice. */
  readonly #bounds: readonly number[];
  /** The text from the first value to the last; `null` if it is not ASCII. */
  #texts: string | null | undefined;
  #textsFrom = 0;

  private constructor(bytes: Buffer, bounds: readonly number[], end: number) {
    this.#bytes = bytes;
    this.#bounds = bounds;
    this.end = end;
  }

  /**
   * Finds the values of the reply that begins at a place.
   *
   * @param keys how many values it has
   * @returns `'incomplete'` if these bytes end before it does, `'other'` if it is another reply
   */
  static in(bytes: Buffer, from: number, keys: number): StoredReply | 'incomplete' | 'other' {
    const bounds = new Array<number>(2 * keys);
    const { length } = bytes;
    let at = from;
    for (let i = -1; i < keys; i++) {
      const type = bytes[at];
      const isNone = type === NULL || bytes[at + 1] === MINUS;
      let number = 0;
      while (++at < length && bytes[at] !== CR) {
        const digit = (bytes[at] as number) - ZERO;
        if (!isNone && (digit < 0 || digit > 9)) return 'other';
        number = number * 10 + digit;
      }
      at += 2;
      if (at > length) return 'incomplete';
      if (i < 0) {
        if (type !== LIST || isNone || number !== keys) return 'other';
      } else if (isNone) {
        bounds[2 * i] = bounds[2 * i + 1] = NONE;
      } else {
        if (type !== BULK) return 'other';
        bounds[2 * i] = at;
        bounds[2 * i + 1] = at + number;
        at += number + 2;
        if (at > length) return 'incomplete';
      }
    }
    return new StoredReply(bytes, bounds, at);
  }

  get length(): number {
    return this.#bounds.length / 2;
  }

  sizeAt(i: number): number {
    return this.#to(i) - this.#from(i);
  }

  bytesAt(i: number): Buffer | null {
    const from = this.#from(i);
    return from === NONE ? null : this.#bytes.subarray(from, this.#to(i));
  }

  textAt(i: number): string | null {
    const from = this.#from(i);
    return from === NONE ? null : this.#bytes.toString('utf8', from, this.#to(i));
  }

  passingTextAt(i: number): string | null {
    const from = this.#from(i);
    if (from === NONE) return null;
    if (this.#texts === undefined) this.#texts = this.#allFrom(from);
    if (this.#texts === null || from < this.#textsFrom) return this.textAt(i);
    return this.#texts.substring(from - this.#textsFrom, this.#to(i) - this.#textsFrom);
  }

  #allFrom(from: number): string | null {
    const all = this.#bytes.subarray(from, this.end);
    this.#textsFrom = from;
    return isAscii(all) ? all.toString('latin1') : null;
  }

  #from(i: number): number {
    return this.#bounds[2 * i] as number;
  }

  #to(i: number): number {
    return this.#bounds[2 * i + 1] as number;
  }
}

/** In the place of the bounds of a value that does not exist. */
const NONE = -1;

const LIST = 0x2a; // *
const BULK = 0x24; // $
const NULL = 0x5f; // _
const MINUS = 0x2d;
const ZERO = 0x30;
const CR = 0x0d;

/**
 * Values that ioredis has taken out of a reply: bytes, or texts.
 *
 * @internal
 */
export class ReadValues implements StoredValues {
  readonly #values: readonly (Buffer | string | null)[];

  constructor(values: readonly (Buffer | string | null)[]) {
    this.#values = values;
  }

  get length(): number {
    return this.#values.length;
  }

  sizeAt(i: number): number {
    return this.#values[i]?.length ?? 0;
  }

  bytesAt(i: number): Buffer | null {
    const value = this.#values[i] ?? null;
    return typeof value === 'string' ? Buffer.from(value) : value;
  }

  textAt(i: number): string | null {
    return this.#values[i]?.toString() ?? null;
  }

  passingTextAt(i: number): string | null {
    return this.textAt(i);
  }
}
