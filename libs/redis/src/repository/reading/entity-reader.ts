import { sendInChunks } from '../../batch/chunks.js';
import { inSlices } from '../../batch/in-slices.js';
import { multiGet, type Reading } from '../../batch/multi-key.js';
import { ReadCoalescer } from '../../batch/read-coalescer.js';
import { scanKeys, scanPage, type ScannedPage } from '../../connection/driver/scan-keys.js';
import type { RedisClient } from '../../connection/options/options.js';
import { connectionOf } from '../../connection/connection.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { RedisSerializationException } from '../../errors/redis-serialization.exception.js';
import type { EntityCodec } from '../entity/entity-codec.js';
import type { IdValue } from '../entity/entity-schema.js';
import { EntityHarvest } from './entity-harvest.js';
import type { IterationOptions, Page, PageOptions } from '../entity-repository.js';

/** The most entities that may be asked for at once. */
const MOST_ENTITIES = 1_000;

/** The keys of one step where entities are few; a page exceeds what was asked for by less than a step. */
const LARGE_STEP = 100;

/** After so many keys a page ends, so that one of few entities among many other keys does, too. */
const MOST_KEYS_FOR_A_PAGE = 10_000;

/** What was read where an entity should be. */
export interface ReadEntity<Id> {
  readonly id: Id;
  readonly key: string;
  readonly reading: Reading;
}

/**
 * Reads entities: one by one in company, many at once, or all of them.
 *
 * @internal
 */
export class EntityReader<T extends object, Id extends IdValue> {
  readonly #client: RedisClient;
  readonly #codec: EntityCodec<T, Id>;

  constructor(client: RedisClient, codec: EntityCodec<T, Id>) {
    this.#client = client;
    this.#codec = codec;
  }

  /** The stored text, read together with what else is asked for in this turn of the event loop. */
  readText(key: string): Promise<string | null> {
    return ReadCoalescer.of(this.#client).read(key);
  }

  async read(id: Id): Promise<T | null> {
    const key = this.#codec.keyOf(id);
    const text = await this.readText(key);
    return text === null ? null : this.decode(text, key, id);
  }

  /** @throws RedisSerializationException if it is no entity, or not valid where that is asked for */
  decode(text: string, key: string, id: Id): T | Promise<T> {
    const entity = this.#codec.decode(text, key, id);
    return this.#codec.validatesReads ? this.#codec.checkRead(entity, key) : entity;
  }

  /**
   * In the order of the ids, each once.
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
      const readings = await multiGet(this.#client, keys);
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
    await sendInChunks(this.#client, idOf.keys(), failed, read, () => expected);
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

  /** Page by page; ids of entities that are gone by now may be among them, and one may come twice. */
  async *pagesOfIds(): AsyncGenerator<Id[]> {
    try {
      for await (const page of scanKeys(this.#client, this.#codec.pattern)) {
        yield page.flatMap((key) => this.#codec.idIn(key) ?? []);
      }
    } catch (error) {
      throw connectionOf(this.#client).exceptionOf(error);
    }
  }

  async *all({ onCorrupt }: IterationOptions): AsyncGenerator<T> {
    for await (const ids of this.pagesOfIds()) yield* await this.#entitiesOf(ids, onCorrupt);
  }

  /** Looks at no more keys than it says, however few of them are wanted. */
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
      // Where they are few among many other keys, it takes larger steps.
      if (ids.size === before) count = Math.min(count * 2, Math.max(limit, LARGE_STEP));
    } while (next !== undefined && ids.size < limit && looked < MOST_KEYS_FOR_A_PAGE);
    return { entities: await this.#entitiesOf([...ids], onCorrupt), cursor: next ?? null };
  }

  async #scan(count: number, cursor: string | undefined): Promise<ScannedPage> {
    try {
      return await scanPage(this.#client, this.#codec.pattern, { count, cursor });
    } catch (error) {
      throw connectionOf(this.#client).exceptionOf(error);
    }
  }

  /** Those of the ids that still have one. */
  async #entitiesOf(ids: readonly Id[], onCorrupt: IterationOptions['onCorrupt']): Promise<T[]> {
    const keys = ids.map((id) => this.#codec.keyOf(id));
    const readings = await multiGet(this.#client, keys);
    const harvest = new EntityHarvest(this.#codec);
    ids.forEach((id, i) => harvest.add(id, keys[i] ?? '', readings[i] ?? null));
    await harvest.check();
    for (const error of harvest.errors.values()) {
      if (!onCorrupt || !(error instanceof RedisSerializationException)) throw error;
      onCorrupt(error);
    }
    return [...harvest.entities.values()];
  }
}

function unfit(limit: number): RedisConfigurationException {
  const accepted = `a whole number from 1 to ${MOST_ENTITIES}`;
  return new RedisConfigurationException([{ setting: 'limit', value: String(limit), accepted }]);
}
