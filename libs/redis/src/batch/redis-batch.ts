/**
 * @module batch Many keys in few round trips: keys that are read, written, counted or deleted in bulk, and
 * reads that merely happen at the same time.
 */
import { setImmediate } from 'node:timers/promises';
import type { RedisClient } from '../connection/options/options.js';
import { connectionOf, type Connection } from '../connection/connection.js';
import { LocalChanges } from '../connection/local-changes.js';
import { RedisException } from '../errors/redis.exception.js';
import { RedisBatchException } from '../errors/redis-batch.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { JsonSerializer } from '../serialization/json.serializer.js';
import type { Operations } from '../telemetry/operations.js';
import { DEFAULT_TTL_MS, parseTtl, type Ttl, type TtlMs } from '../time/ttl.js';
import { deltasOf, distinctKeys, keyedValues, type KeyedValues } from './batch-input.js';
import { CHUNK_CHARACTERS, sendInChunks } from './chunks.js';
import { INCREMENT } from './counter.script.js';
import { multiGet, multiUnlink, sendEach } from './multi-key.js';

export interface RedisBatchOptions {
  /**
   * How long what is written lives when the call does not say.
   * @default '1h'; in an application the connection's `defaultTtl`
   */
  readonly defaultTtl?: Ttl | undefined;
}

const OPTIONS = { defaultTtl: true } as const satisfies Record<keyof RedisBatchOptions, true>;

export interface BatchWriteOptions {
  /**
   * How long what is written lives: `'30s'`, `'1h'`, ..., or `'forever'`.
   * @default the `defaultTtl` of the batch
   */
  readonly ttl?: Ttl | undefined;
}

/**
 * Reads, writes, counts and deletes many keys in few round trips: one to each node for every 500 keys
 * (fewer where values are large). In between the event loop turns and Redis serves others. An empty
 * input sends nothing.
 *
 * Each key stands for itself: nothing is atomic across keys, and a key that fails does not keep the
 * others from being done. Works with any ioredis client, clusters too; in a cluster keys of all slots
 * may be mixed.
 *
 * Every method throws, before anything is sent, RedisInvalidKeyException for a key that is not a text
 * (or is empty, or holds half of a surrogate pair), and RedisConfigurationException for a `ttl`
 * without a unit. Afterwards it throws RedisBatchException only, with the exception of each key that
 * failed in `errors` and what the others came to in `results`. Once a server answers none of the keys
 * it was sent, no more are sent to it, and they fail with the same exception.
 *
 * @example
 * const batch = new RedisBatch(client);
 * await batch.setAll({ 'post:1': { title: 'One' }, 'post:2': { title: 'Two' } }, { ttl: '10m' });
 * await batch.getAll<Post>(['post:1', 'post:2', 'post:3']); // Map of two
 *
 * @publicApi
 */
export class RedisBatch {
  readonly #connection: Connection;
  readonly #changes: LocalChanges;
  readonly #operations: Operations;
  readonly #defaultTtl: TtlMs;
  readonly #serializer = new JsonSerializer();

  /**
   * @throws RedisConfigurationException if `defaultTtl` is neither a duration nor `'forever'`, and for an
   * unknown option
   */
  constructor(client: RedisClient, options: RedisBatchOptions = {}) {
    refuseUnknownOptions(options, OPTIONS, 'RedisBatch: ');
    const { defaultTtl } = options;
    this.#connection = connectionOf(client);
    this.#changes = this.#connection.part(LocalChanges);
    this.#operations = this.#connection.operations({ type: 'batch' });
    this.#defaultTtl =
      defaultTtl === undefined ? DEFAULT_TTL_MS : parseTtl(defaultTtl, 'defaultTtl');
  }

  /**
   * Reads values: one MGET for 500 keys, in a cluster one for each hash slot, sent together.
   *
   * @returns what was found, in the order of `keys`, a repeated key once. A missing key is left out,
   * and so is one that holds another type than a string
   * @throws RedisBatchException, in `errors` RedisSerializationException for a value that is not JSON
   */
  getAll<T = unknown>(keys: readonly string[]): Promise<Map<string, T>> {
    return this.#operations.run('getAll', () => this.#getAll<T>(keys));
  }

  /**
   * Writes values as JSON, each together with its TTL: one SET for each key, sent together. Replaces
   * what is there, of whatever type.
   *
   * @throws RedisBatchException with `true` for each key that was written, and in `errors`
   * RedisSerializationException, with a `path`, for a value that would not come back equal. After a
   * RedisTimeoutException or RedisConnectionException the value may have been written nevertheless
   */
  setAll(entries: KeyedValues<unknown>, options: BatchWriteOptions = {}): Promise<void> {
    return this.#operations.run('setAll', () => this.#setAll(entries, options));
  }

  /**
   * Increments counters by 1, or by what is given for each, below zero too: one script for each key,
   * sent together (the first time, and after a restart of Redis, in two round trips). A counter that
   * does not exist is created with its TTL; later increments leave the TTL as it is. A key that is
   * named twice counts twice.
   *
   * @returns the new count of each, in the order of the input
   * @throws RedisConfigurationException, before anything is sent, for an increment that is not a whole
   * number that JavaScript holds exactly
   * @throws RedisBatchException, in `errors` RedisCommandException for a key that holds no whole number
   * (`reply` is `WRONGTYPE` or `ERR`) or whose sum would be beyond Number.MAX_SAFE_INTEGER
   * (`OVERFLOW`): neither is changed. After a RedisTimeoutException or RedisConnectionException the
   * counter may have been incremented nevertheless
   */
  incrementAll(
    keysOrDeltas: readonly string[] | KeyedValues<number>,
    options: BatchWriteOptions = {},
  ): Promise<Map<string, number>> {
    return this.#operations.run('incrementAll', () => this.#incrementAll(keysOrDeltas, options));
  }

  /**
   * Deletes keys of any type; Redis frees their memory in the background. One UNLINK for 500 keys, in
   * a cluster one for each hash slot, sent together.
   *
   * @returns how many existed
   * @throws RedisBatchException with `true` for each key that is gone. After a RedisTimeoutException or
   * RedisConnectionException the key may be gone nevertheless
   */
  deleteAll(keys: readonly string[]): Promise<number> {
    return this.#operations.run('deleteAll', () => this.#deleteAll(keys));
  }

  async #getAll<T>(keys: readonly string[]): Promise<Map<string, T>> {
    const wanted = await distinctKeys(keys);
    const found = new Map<string, T>();
    const errors = new Map<string, RedisException>();
    let expected = 0; // characters of a value, as they were in the last chunk
    const read = async (chunk: string[]) => {
      const readings = await multiGet(this.#connection, chunk);
      let characters = 0;
      let unpaused = 0;
      for (const [i, key] of chunk.entries()) {
        const reading = readings[i] ?? null;
        if (reading === null) continue;
        if (typeof reading !== 'string') {
          errors.set(key, reading);
          continue;
        }
        this.#decode(key, reading, found, errors);
        characters += reading.length;
        unpaused += reading.length;
        if (unpaused >= CHUNK_CHARACTERS) {
          unpaused = 0;
          await setImmediate();
        }
      }
      expected = characters / chunk.length;
    };
    await sendInChunks(this.#connection.client, wanted, errors, read, () => expected);
    if (errors.size > 0) throw new RedisBatchException('getAll', errors, found);
    return found;
  }

  async #setAll(entries: KeyedValues<unknown>, options: BatchWriteOptions): Promise<void> {
    const { client } = this.#connection;
    const ttl = this.#ttlOf(options);
    const values = await keyedValues(entries);
    const errors = new Map<string, RedisException>();
    const texts: [key: string, text: string][] = [];
    const encode = (key: string): number => {
      const text = this.#encode(key, values.get(key), errors);
      if (text === undefined) return 0;
      texts.push([key, text]);
      return text.length;
    };
    const write = async () => {
      const encoded = texts.splice(0);
      const outcomes = await sendEach(this.#connection, encoded, ([key, text]) =>
        ttl === 'forever' ? client.set(key, text) : client.set(key, text, 'PX', ttl),
      );
      encoded.forEach(([key], i) => {
        const outcome = outcomes[i];
        if (outcome instanceof RedisException) errors.set(key, outcome);
      });
    };
    await this.#change(values.keys(), errors, write, encode);
    if (errors.size > 0) {
      throw new RedisBatchException('setAll', errors, doneOf(values.keys(), errors));
    }
  }

  async #incrementAll(
    keysOrDeltas: readonly string[] | KeyedValues<number>,
    options: BatchWriteOptions,
  ): Promise<Map<string, number>> {
    const { client } = this.#connection;
    const ttl = this.#ttlOf(options);
    const deltas = await deltasOf(keysOrDeltas);
    const counts = new Map<string, number>();
    const errors = new Map<string, RedisException>();
    const increment = async (chunk: string[]) => {
      const outcomes = await sendEach(this.#connection, chunk, (key) =>
        INCREMENT.run(client, [key], [String(deltas.get(key)), String(ttl)]),
      );
      chunk.forEach((key, i) => {
        const outcome = outcomes[i];
        if (outcome instanceof RedisException) errors.set(key, outcome);
        else counts.set(key, Number(outcome));
      });
    };
    await this.#change(deltas.keys(), errors, increment);
    if (errors.size > 0) throw new RedisBatchException('incrementAll', errors, counts);
    return counts;
  }

  async #deleteAll(keys: readonly string[]): Promise<number> {
    const unwanted = await distinctKeys(keys);
    const errors = new Map<string, RedisException>();
    let existed = 0;
    await this.#change(unwanted, errors, async (chunk) => {
      for (const { keys: group, outcome } of await multiUnlink(this.#connection, chunk)) {
        if (outcome instanceof RedisException) for (const key of group) errors.set(key, outcome);
        else existed += outcome;
      }
    });
    if (errors.size > 0)
      throw new RedisBatchException('deleteAll', errors, doneOf(unwanted, errors));
    return existed;
  }

  /** Sends what changes keys, chunk by chunk, and tells of each chunk before and after. */
  #change(
    keys: Iterable<string>,
    errors: Map<string, RedisException>,
    change: (chunk: string[]) => Promise<void>,
    weigh?: (key: string) => number,
  ): Promise<void> {
    const told = (chunk: string[]) => this.#changes.around(chunk, () => change(chunk));
    return sendInChunks(this.#connection.client, keys, errors, told, weigh);
  }

  #ttlOf({ ttl }: BatchWriteOptions): TtlMs {
    return ttl === undefined ? this.#defaultTtl : parseTtl(ttl, 'ttl');
  }

  #decode<T>(
    key: string,
    text: string,
    found: Map<string, T>,
    errors: Map<string, RedisException>,
  ): void {
    try {
      found.set(key, this.#serializer.deserialize(text, key) as T);
    } catch (error) {
      errors.set(key, this.#connection.exceptionOf(error));
    }
  }

  #encode(key: string, value: unknown, errors: Map<string, RedisException>): string | undefined {
    try {
      return this.#serializer.serialize(value, key);
    } catch (error) {
      errors.set(key, this.#connection.exceptionOf(error));
      return undefined;
    }
  }
}

/** The keys that did not fail; worked out only when others did. */
function doneOf(
  keys: Iterable<string>,
  errors: ReadonlyMap<string, RedisException>,
): Map<string, true> {
  const done = new Map<string, true>();
  for (const key of keys) if (!errors.has(key)) done.set(key, true);
  return done;
}
