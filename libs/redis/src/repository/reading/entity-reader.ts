import { inSlices, sendInChunks } from '../../batch/chunks.js';
import { multiGet, type Reading } from '../../batch/multi-key.js';
import { ReadCoalescer } from '../../batch/read-coalescer.js';
import type { Connection } from '../../connection/connection.js';
import { scanKeys, scanPage, type ScannedPage } from '../../connection/driver/scan-keys.js';
import { RedisBatchException } from '../../errors/redis-batch.exception.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { RedisSerializationException } from '../../errors/redis-serialization.exception.js';
import { withDeadline } from '../../time/deadline.js';
import { parseTimeout } from '../../time/duration.js';
import { untilAbort } from '../../time/until-abort.js';
import type { EntityCodec } from '../entity/entity-codec.js';
import type { IdValue } from '../entity/entity-schema.js';
import type { IterationOptions, Page, PageOptions, ReadOptions } from '../entity-repository.js';

/** The most entities that may be asked for at once. */
const MOST_ENTITIES = 1_000;

/** The keys of one step where entities are few; a page exceeds what was asked for by less than a step. */
const LARGE_STEP = 100;

/** After so many keys a page ends, so that one of few entities among many other keys does, too. */
const MOST_KEYS_FOR_A_PAGE = 10_000;

/** The content of a key where an entity should be. */
export interface ReadEntity<Id> {
  readonly id: Id;
  readonly key: string;
  readonly reading: Reading;
}

/**
 * Reads entities: one, many, or all of them. Reads of one entity share their round trip with others.
 *
 * @internal
 */
export class EntityReader<T extends object, Id extends IdValue> {
  readonly #connection: Connection;
  readonly #reads: ReadCoalescer;
  readonly #codec: EntityCodec<T, Id>;

  constructor(connection: Connection, codec: EntityCodec<T, Id>) {
    this.#connection = connection;
    this.#reads = connection.part(ReadCoalescer);
    this.#codec = codec;
  }

  /** Reads the stored text together with everything else that this turn of the event loop asks for. */
  readText(key: string): Promise<string | null> {
    return this.#reads.read(key);
  }

  async read(id: Id): Promise<T | null> {
    const key = this.#codec.keyOf(id);
    const asked = this.#reads.ask(key);
    await asked.answered;
    const text = asked.passingText;
    return text === null ? null : this.decode(text, key, id);
  }

  /**
   * Waits for a read as long as this caller wants to. The read itself goes on: others may share it.
   *
   * @throws RedisTimeoutException after `timeout`; the signal's reason once it aborts
   * @throws RedisConfigurationException for a `timeout` that no timer can keep
   */
  async readWithin(id: Id, { signal, timeout }: ReadOptions, operation: string): Promise<T | null> {
    signal?.throwIfAborted();
    const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout, 'timeout');
    const wait = untilAbort(this.read(id), signal);
    if (timeoutMs === undefined) return wait;
    return withDeadline(wait, timeoutMs, () => {
      throw this.#connection.lateException({ operation, key: this.#codec.keyOf(id), timeoutMs });
    });
  }

  /** @throws RedisSerializationException if it is no entity, or not valid where that is asked for */
  decode(text: string, key: string, id: Id): T | Promise<T> {
    const entity = this.#codec.decode(text, key, id);
    return this.#codec.validatesReads ? this.#codec.checkRead(entity, key) : entity;
  }

  /**
   * Reads entities, in the order of the ids, each once.
   *
   * @throws RedisBatchException with the reasons for those that cannot be given, and the others
   */
  async readAll(ids: readonly Id[]): Promise<Map<Id, T>> {
    const idOf = new Map<string, Id>();
    await inSlices([...ids], (id) => idOf.set(this.#codec.keyOf(id), id));
    const harvest = new EntityHarvest(this.#codec);
    const failed = new Map<string, RedisException>();
    let expected = 0; // characters of an entity, as they were in the last chunk
    const read = async (keys: string[]) => {
      const readings = await multiGet(this.#connection, keys);
      let characters = 0;
      for (let i = 0; i < keys.length; i++) {
        const key = keys[i] as string;
        const reading = readings[i] ?? null;
        if (typeof reading === 'string') characters += reading.length;
        if (reading instanceof RedisException) failed.set(key, reading);
        else harvest.add(idOf.get(key) as Id, key, reading);
      }
      expected = characters / keys.length;
    };
    await sendInChunks(this.#connection.client, idOf.keys(), failed, read, () => expected);
    for (const [key, error] of failed) harvest.errors.set(idOf.get(key) as Id, error);
    await harvest.check();
    return harvest.unlessFailed('getAll');
  }

  /** @throws RedisBatchException as {@link readAll} */
  async decodeAll(operation: string, read: readonly ReadEntity<Id>[]): Promise<Map<Id, T>> {
    const harvest = new EntityHarvest(this.#codec);
    for (const { id, key, reading } of read) harvest.add(id, key, reading);
    await harvest.check();
    return harvest.unlessFailed(operation);
  }

  /** @throws RedisSerializationException for data that is no entity, unless `onCorrupt` takes it */
  async decodeEach(read: readonly ReadEntity<Id>[], { onCorrupt }: IterationOptions): Promise<T[]> {
    const harvest = new EntityHarvest(this.#codec);
    for (const { id, key, reading } of read) harvest.add(id, key, reading);
    await harvest.check();
    for (const error of harvest.errors.values()) {
      if (!onCorrupt || !(error instanceof RedisSerializationException)) throw error;
      onCorrupt(error);
    }
    return [...harvest.entities.values()];
  }

  /** Reads ids page by page: entities may be gone by now, and an id may come twice. */
  async *pagesOfIds(): AsyncGenerator<Id[]> {
    try {
      for await (const page of scanKeys(this.#connection.client, this.#codec.pattern)) {
        yield page.flatMap((key) => this.#codec.idIn(key) ?? []);
      }
    } catch (error) {
      throw this.#connection.exceptionOf(error);
    }
  }

  async *all({ onCorrupt }: IterationOptions): AsyncGenerator<T> {
    for await (const ids of this.pagesOfIds()) yield* await this.#entitiesOf(ids, onCorrupt);
  }

  /** Reads a page. Looks at a limited number of keys, however few of them are entities. */
  async page({ limit = 100, cursor, onCorrupt }: PageOptions): Promise<Page<T>> {
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_ENTITIES) throw unfit(limit);
    const ids = new Set<Id>();
    let next = cursor ?? undefined;
    let looked = 0;
    let count = limit;
    do {
      const page = await this.#scan(count, next);
      const before = ids.size;
      for (const key of page.keys) {
        const id = this.#codec.idIn(key);
        if (id !== undefined) ids.add(id);
      }
      next = page.next;
      looked += count;
      // Where entities are few among many other keys, larger steps.
      if (ids.size === before) count = Math.min(count * 2, Math.max(limit, LARGE_STEP));
    } while (next !== undefined && ids.size < limit && looked < MOST_KEYS_FOR_A_PAGE);
    return { entities: await this.#entitiesOf([...ids], onCorrupt), cursor: next ?? null };
  }

  #scan(count: number, cursor: string | undefined): Promise<ScannedPage> {
    const { client } = this.#connection;
    return this.#connection.run(() => scanPage(client, this.#codec.pattern, { count, cursor }));
  }

  /** Reads the entities that still exist. */
  async #entitiesOf(ids: readonly Id[], onCorrupt: IterationOptions['onCorrupt']): Promise<T[]> {
    const keys = ids.map((id) => this.#codec.keyOf(id));
    const readings = await multiGet(this.#connection, keys);
    const read = ids.map((id, i) => ({ id, key: keys[i] ?? '', reading: readings[i] ?? null }));
    return this.decodeEach(read, { onCorrupt });
  }
}

function unfit(limit: number): RedisConfigurationException {
  const accepted = `a whole number from 1 to ${MOST_ENTITIES}`;
  return new RedisConfigurationException([{ setting: 'limit', value: String(limit), accepted }]);
}

/**
 * Collects what many readings come to: entities, and errors for the others.
 */
class EntityHarvest<T extends object, Id extends IdValue> {
  readonly entities = new Map<Id, T>();
  readonly errors = new Map<Id, RedisException>();
  readonly #codec: EntityCodec<T, Id>;

  constructor(codec: EntityCodec<T, Id>) {
    this.#codec = codec;
  }

  add(id: Id, key: string, reading: Reading): void {
    if (reading === null) return;
    if (typeof reading !== 'string') {
      this.errors.set(id, reading);
      return;
    }
    try {
      this.entities.set(id, this.#codec.decode(reading, key, id));
    } catch (error) {
      this.#fail(id, error);
    }
  }

  /** Takes out what does not pass the rules, where `validateOnRead` asks for it. */
  async check(): Promise<void> {
    if (!this.#codec.validatesReads) return;
    for (const [id, entity] of this.entities) {
      try {
        await this.#codec.checkRead(entity, this.#codec.keyOf(id));
      } catch (error) {
        this.entities.delete(id);
        this.#fail(id, error);
      }
    }
  }

  /** @throws RedisBatchException if there is any error */
  unlessFailed(operation: string): Map<Id, T> {
    if (this.errors.size > 0) throw new RedisBatchException(operation, this.errors, this.entities);
    return this.entities;
  }

  #fail(id: Id, error: unknown): void {
    if (!(error instanceof RedisException)) throw error;
    this.errors.set(id, error);
  }
}
