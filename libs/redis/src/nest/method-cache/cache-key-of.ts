import { createHash } from 'node:crypto';
import { types } from 'node:util';
import { RedisInvalidKeyException } from '../../errors/redis-invalid-key.exception.js';

/** Longer keys are hashed: a key is sent with every command and kept in the server's memory. */
const LONGEST = 200;

/** Deeper values are a mistake or an attack, and would end in a stack overflow. */
const DEEPEST = 64;

/**
 * Turns the arguments of a call into a part of a key: `(1,"a")`. Two lists have the same key exactly if
 * they hold the same values: `1`, `'1'` and `1n` differ, and so do `null` and `undefined`, `0` and `-0`,
 * `{}` and `{ a: undefined }`, `f()` and `f(undefined)`. The order of an object's properties, of a
 * `Map`'s entries and of a `Set`'s members makes no difference.
 *
 * Accepts strings, numbers, bigints, booleans, `null`, `undefined`, `Date`, `Uint8Array` (and `Buffer`),
 * and arrays, `Map`s, `Set`s and plain objects of those. A text of more than 200 characters is replaced by
 * its SHA-256.
 *
 * @throws RedisInvalidKeyException for all other values: functions, symbols, instances of other classes,
 * and values that contain themselves. Use the option `key` to say what identifies such a call
 * @publicApi
 */
export function cacheKeyOf(args: readonly unknown[]): string {
  const text = `(${args.map((arg, i) => new Writer(`argument ${i + 1}`).write(arg)).join()})`;
  return text.length <= LONGEST
    ? text
    : `sha256-${createHash('sha256').update(text).digest('hex')}`;
}

/** Writes one argument; the text of each kind of value begins differently. */
class Writer {
  readonly #argument: string;
  /** The value that is being written, and those that contain it. */
  readonly #open = new Set<object>();

  constructor(argument: string) {
    this.#argument = argument;
  }

  write(value: unknown): string {
    switch (typeof value) {
      case 'string':
        return JSON.stringify(value);
      case 'number':
        return Object.is(value, -0) ? '-0' : String(value);
      case 'bigint':
        return `${value}n`;
      case 'boolean':
      case 'undefined':
        return String(value);
      case 'object':
        return value === null ? 'null' : this.#writeObject(value);
      case 'function':
      case 'symbol':
        throw this.#refuse(`contains a ${typeof value}`);
    }
  }

  #writeObject(value: object): string {
    if (this.#open.has(value)) throw this.#refuse('contains itself');
    if (this.#open.size >= DEEPEST) throw this.#refuse(`is nested more than ${DEEPEST} deep`);
    this.#open.add(value);
    const text = this.#writeContent(value);
    this.#open.delete(value);
    return text;
  }

  /** Compares classes by name and kind: a test runner has classes of its own beside Node's. */
  #writeContent(value: object): string {
    if (isPlain(value)) return this.#writeRecord(value);
    const className = classNameOf(value);
    if (className === 'Array' && Array.isArray(value)) return this.#writeArray(value);
    if (className === 'Date' && types.isDate(value)) return `Date(${value.getTime()})`;
    if (className === 'Map' && types.isMap(value)) return this.#writeMap(value);
    if (className === 'Set' && types.isSet(value)) return this.#writeSet(value);
    if (/^(Uint8Array|Buffer)$/.test(className) && types.isUint8Array(value)) {
      const { buffer, byteOffset, byteLength } = value;
      return `Bytes(${Buffer.from(buffer, byteOffset, byteLength).toString('base64')})`;
    }
    throw this.#refuse(`contains an instance of ${className || 'a class without a name'}`);
  }

  /** Writes index by index: `map` would skip the holes of a sparse array, and `[,]` is not `[undefined]`. */
  #writeArray(array: readonly unknown[]): string {
    const items = Array.from(array, (item, i) => (i in array ? this.write(item) : 'hole'));
    return `[${items.join()}]`;
  }

  #writeRecord(record: object): string {
    if (Object.getOwnPropertySymbols(record).length > 0) {
      throw this.#refuse('contains a property named by a symbol');
    }
    const entries = Object.entries(record).map(
      ([name, value]) => `${JSON.stringify(name)}:${this.write(value)}`,
    );
    return `{${entries.sort().join()}}`;
  }

  #writeMap(map: ReadonlyMap<unknown, unknown>): string {
    const entries = Array.from(map, ([key, value]) => `${this.write(key)}=>${this.write(value)}`);
    return `Map{${entries.sort().join()}}`;
  }

  #writeSet(set: ReadonlySet<unknown>): string {
    return `Set{${Array.from(set, (member) => this.write(member))
      .sort()
      .join()}}`;
  }

  #refuse(problem: string): RedisInvalidKeyException {
    return new RedisInvalidKeyException(
      this.#argument,
      `${problem}; give \`key\`, a function that says what identifies the call`,
    );
  }
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  if (prototype === null || prototype === Object.prototype) return true;
  const isRoot = Object.getPrototypeOf(prototype) === null;
  return isRoot && Object.hasOwn(prototype, 'isPrototypeOf');
}

function classNameOf(value: object): string {
  return (value as { constructor?: { name?: string } }).constructor?.name ?? '';
}
