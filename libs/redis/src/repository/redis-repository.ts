/**
 * @module repository Typed entities in Redis. `entity/` knows what a class says about itself and how it
 * becomes text and back, `reading/` reads entities, `indexes/` finds them by other values than their id,
 * `writing/` writes both together.
 */
import { types } from 'node:util';
import { inSlices } from '../batch/chunks.js';
import type { RedisClient } from '../connection/options/options.js';
import { connectionOf, type Connection } from '../connection/connection.js';
import { RedisKeyNotFoundException } from '../errors/redis-key-not-found.exception.js';
import { RedisException } from '../errors/redis.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { entityDependency, type EntityDependency } from '../keys/entity-dependency.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import { requireEntityPeers } from '../peers/optional-peers.js';
import type { Operations } from '../telemetry/operations.js';
import { parseTimeout } from '../time/duration.js';
import { DEFAULT_TTL_MS, parseTtl, type Ttl, type TtlMs } from '../time/ttl.js';
import type { Criteria } from './criteria.js';
import { EntityCodec } from './entity/entity-codec.js';
import {
  refuseSharedKind,
  schemaOf,
  type EntityClass,
  type IdOf,
  type IdValue,
} from './entity/entity-schema.js';
import type {
  Change,
  EntityRepository,
  FindByOptions,
  IterationOptions,
  Page,
  PageByOptions,
  PageOptions,
  Patch,
  ReadOptions,
  SaveOptions,
  UpdateOptions,
} from './entity-repository.js';
import { forEachEntity } from './for-each-entity.js';
import { EntityIndexes } from './indexes/entity-indexes.js';
import { IndexCleaner } from './indexes/index-cleaner.js';
import { IndexReader } from './indexes/index-reader.js';
import { Queries } from './indexes/queries.js';
import type { Indexed } from './indexes/search.js';
import { EntityReader, type ReadEntity } from './reading/entity-reader.js';
import { createWriter } from './writing/create-writer.js';
import type { EntityWriter, WriteTtl } from './writing/entity-writer.js';
import { OptimisticUpdates, type Revise } from './writing/optimistic-update.js';

export interface RedisRepositoryOptions {
  /**
   * How long entities live whose class does not say it.
   * @default '1h'; in a Nest application the connection's `defaultTtl`
   */
  readonly defaultTtl?: Ttl;
}

const OPTIONS = { defaultTtl: true } as const satisfies Record<keyof RedisRepositoryOptions, true>;

/**
 * Keeps entities of one class as JSON, each under `kind:{app}:{environment}:{id}` (the braces are
 * placeholders) and readable with redis-cli.
 *
 * Every method may throw RedisConnectionException, RedisTimeoutException and the other failures of
 * Redis, and RedisInvalidKeyException for what cannot be an id. Methods that take several entities or
 * ids throw RedisBatchException if some of them fail: `errors` has the failures and `results` the
 * rest, both by id. Round trips are counted for one server; in a cluster they go to each node that is
 * concerned at the same time.
 *
 * @example
 * const users = new RedisRepository(client, keys, User);
 * await users.save({ id: '1', email: 'ada@example.com' });
 * const ada = await users.getById('1');
 *
 * @publicApi
 */
export class RedisRepository<
  T extends object,
  Id extends IdValue = IdOf<T>,
> implements EntityRepository<T, Id> {
  readonly #connection: Connection;
  readonly #keys: KeyBuilder;
  readonly #codec: EntityCodec<T, Id>;
  readonly #reader: EntityReader<T, Id>;
  readonly #queries: Queries;
  readonly #indexReader: IndexReader;
  readonly #writer: EntityWriter;
  readonly #updates: OptimisticUpdates;
  readonly #operations: Operations;
  readonly #ttl: TtlMs;

  /**
   * @throws RedisConfigurationException if the class is no entity, listing what it lacks, for an
   * unknown option, and if class-validator or class-transformer is not installed
   */
  constructor(
    client: RedisClient,
    keys: KeyBuilder,
    entity: EntityClass<T>,
    options: RedisRepositoryOptions = {},
  ) {
    requireEntityPeers();
    const schema = schemaOf(entity, 'RedisRepository');
    refuseUnknownOptions(options, OPTIONS, 'RedisRepository: ');
    const { defaultTtl } = options;
    this.#ttl =
      schema.ttlMs ??
      (defaultTtl === undefined ? DEFAULT_TTL_MS : parseTtl(defaultTtl, 'defaultTtl'));
    refuseSharedKind(keys, schema);
    const codec = new EntityCodec<T, Id>(schema, keys);
    const keyOf = (id: string) => codec.keyOfPart(id);
    const connection = connectionOf(client);
    const cleaner = new IndexCleaner(connection);
    const reader = new EntityReader(connection, codec);
    this.#connection = connection;
    this.#operations = connection.operations({ type: 'repository', kind: schema.kind });
    this.#keys = keys;
    this.#codec = codec;
    this.#reader = reader;
    const indexes = new EntityIndexes(schema, keys);
    this.#queries = new Queries(schema, indexes);
    this.#indexReader = new IndexReader(connection, cleaner, keyOf);
    this.#writer = createWriter({
      connection,
      kind: schema.kind,
      indexes,
      cleaner,
      keyOf,
    });
    this.#updates = new OptimisticUpdates((key) => reader.readText(key), this.#writer);
  }

  /**
   * `null` if there is none, or a key of another type than string. Reads that are asked for in the
   * same turn of the event loop share one round trip, whichever repository they go through.
   *
   * @throws RedisSerializationException if what is stored there is no entity of this class
   * @throws RedisTimeoutException after `timeout`, and the reason of `signal` once it aborts
   */
  getById(id: Id, options?: ReadOptions): Promise<T | null> {
    return this.#operations.run('getById', () =>
      options ? this.#reader.readWithin(id, options, 'getById') : this.#reader.read(id),
    );
  }

  /** @throws RedisKeyNotFoundException if there is none, and as {@link getById} */
  async getByIdOrFail(id: Id, options?: ReadOptions): Promise<T> {
    const entity = await this.getById(id, options);
    if (entity === null) throw new RedisKeyNotFoundException(this.#codec.keyOf(id));
    return entity;
  }

  /** Those that exist, each once, in the order of `ids`. One round trip for each 500; none for none. */
  getAll(ids: readonly Id[]): Promise<Map<Id, T>> {
    return this.#operations.run('getAll', () => this.#reader.readAll(ids));
  }

  /**
   * Creates or replaces. Value and expiry are written by one command. One round trip without indexes,
   * which saves of the same turn of the event loop share; the guide has the costs and the guarantees of
   * indexes.
   *
   * @returns the entity; an instance of the class even if a look-alike was given
   * @throws RedisValidationException with everything that is wrong; nothing is written then
   * @throws RedisSerializationException for what would not come back equal, with its `path`
   * @throws RedisConflictException if another entity has one of its unique values
   */
  save(entity: T, { ttl }: SaveOptions = {}): Promise<T> {
    return this.#operations.run('save', async () => {
      const ttlMs = ttl === undefined ? this.#ttl : parseTtl(ttl, 'ttl');
      const instance = this.#codec.instanceOf(entity);
      const id = this.#codec.idOf(instance);
      const key = this.#codec.keyOf(id);
      const text = this.#codec.encode(instance, key); // as it is now, whatever happens while it is validated
      if (!this.#codec.isSurelyValid(instance)) await this.#codec.validate(instance);
      if (typeof text !== 'string') throw text;
      await this.#writer.write({ id: this.#codec.partOf(key), key, text, ttl: ttlMs });
      return instance;
    });
  }

  /**
   * Saves each as {@link save} does, 500 at a time in the round trips of one. Of several with one id
   * the last counts.
   */
  async saveAll(entities: readonly T[], options: SaveOptions = {}): Promise<void> {
    const entries = new Map<string, [Id, T]>();
    await inSlices([...entities], (entity) => {
      const id = this.#codec.idOf(entity);
      entries.set(this.#codec.keyOf(id), [id, entity]);
    });
    await forEachEntity(this.#connection.client, 'saveAll', entries, (entity) =>
      this.save(entity, options),
    );
  }

  /**
   * Reads, changes and writes, on condition that no other save has written in between; else it starts
   * over with what is there now, for as long as `timeout` says. Two round trips, and two more for each
   * time. Updates of one entity that have met wait in line for each other.
   *
   * @param change the properties to change, or a function that changes the entity or returns them
   * @returns the entity as it was written; `null` if there is none, and then none is made
   * @throws RedisConflictException if others were faster each time, or have one of its unique values
   * @throws RedisValidationException if the result is not valid, or has another id
   * @throws RedisSerializationException for what would not come back equal, with its `path`
   */
  update(
    id: Id,
    change: Patch<T> | Change<T>,
    { ttl = 'keep', timeout }: UpdateOptions = {},
  ): Promise<T | null> {
    return this.#operations.run('update', async () => {
      const ttlMs = ttl === 'keep' ? ttl : ttl === 'default' ? this.#ttl : parseTtl(ttl, 'ttl');
      const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout, 'timeout');
      const revise = async (text: string, key: string) => {
        // Each await is a turn of the microtasks for all updates that were read together.
        const decoded = this.#reader.decode(text, key, id);
        const entity = types.isPromise(decoded) ? await decoded : decoded;
        const patch = typeof change === 'function' ? await change(entity) : change;
        if (patch && patch !== entity) this.#codec.assign(entity, patch);
        this.#codec.refuseOtherId(entity, id);
        const revised = this.#codec.encode(entity, key);
        if (!this.#codec.isSurelyValid(entity)) await this.#codec.validate(entity);
        if (typeof revised !== 'string') throw revised;
        return { text: revised, result: entity };
      };
      return this.#revise(id, ttlMs, revise, timeoutMs);
    });
  }

  /** @returns whether there was one. One round trip, and three more if it was in an index */
  delete(id: Id): Promise<boolean> {
    return this.#operations.run('delete', async () => {
      const key = this.#codec.keyOf(id);
      return this.#writer.remove(this.#codec.partOf(key), key);
    });
  }

  /** @returns how many there were. Each as {@link delete}, 500 at a time in the round trips of one */
  deleteAll(ids: readonly Id[]): Promise<number> {
    return this.#operations.run('deleteAll', async () => {
      const entries = new Map<string, [Id, Id]>();
      await inSlices([...ids], (id) => entries.set(this.#codec.keyOf(id), [id, id]));
      const work = (_: Id, key: string) => this.#writer.remove(this.#codec.partOf(key), key);
      const deleted = await forEachEntity(this.#connection.client, 'deleteAll', entries, work);
      return [...deleted.values()].filter(Boolean).length;
    });
  }

  /** One round trip. */
  exists(id: Id): Promise<boolean> {
    return this.#operations.run('exists', async () => {
      const key = this.#codec.keyOf(id);
      return (await this.#connection.run(() => this.#connection.client.exists(key))) === 1;
    });
  }

  /**
   * Gives an entity a new time to live, from now on. One round trip; with indexes as `update`.
   *
   * @returns whether there is such an entity
   */
  expire(id: Id, ttl: Ttl): Promise<boolean> {
    return this.#operations.run('expire', async () => {
      const ttlMs = parseTtl(ttl, 'ttl');
      const key = this.#codec.keyOf(id);
      if (this.#writer.expire) return this.#writer.expire(key, ttlMs);
      const unchanged = async (text: string, key: string) => {
        await this.#reader.decode(text, key, id); // what is no entity has no index entries either
        return { text, result: true };
      };
      return (await this.#revise(id, ttlMs, unchanged)) ?? false;
    });
  }

  /**
   * Names this entity in the `dependsOn` of a cached value that is made from it: every write through a
   * repository, {@link expire} included, makes it invalid at once, and so does the entity's expiry.
   * The cache has to be on the same connection. Sends nothing, and says nothing about whether there is
   * such an entity.
   *
   * @example
   * const options = { ttl: '1h', dependsOn: [users.dependencyOn('1')] } as const;
   * await cache.getOrLoad('profile:1', () => this.profileOf('1'), options);
   */
  dependencyOn(id: Id): EntityDependency {
    return entityDependency(this.#keys, this.#codec.keyOf(id));
  }

  /**
   * The ids of all entities, by SCAN on every primary: one round trip for each 500 keys of the
   * database, made when the consumer wants more. An id that is there all the time comes at least
   * once; one that comes or goes meanwhile may be missing, and any may come twice.
   */
  async *ids(): AsyncGenerator<Id> {
    for await (const page of this.#reader.pagesOfIds()) yield* page;
  }

  /**
   * All entities, as {@link ids}, and one more round trip for each page.
   *
   * @throws RedisSerializationException for data that is no entity, unless `onCorrupt` takes it
   */
  entities(options: IterationOptions = {}): AsyncGenerator<T> {
    return this.#reader.all(options);
  }

  /**
   * Some of all entities, and a cursor for the next page that needs nothing to be kept anywhere. The
   * guarantees are those of {@link ids}; a page has about `limit` entities, sometimes more and
   * sometimes none, and is the last one if `cursor` is `null`. Two round trips, and one more for each
   * further `limit` of the database's keys that it looks at (100, where it finds none and `limit` is
   * less), 10,000 keys at most.
   *
   * @throws RedisConfigurationException for a limit that is not 1 to 1000
   * @throws RedisValidationException for a cursor that no page has given
   * @throws RedisSerializationException as {@link entities}
   */
  page(options: PageOptions = {}): Promise<Page<T>> {
    return this.#operations.run('page', () => this.#reader.page(options));
  }

  /** How many ids there are: as expensive as {@link ids}, and as exact while others write. */
  count(): Promise<number> {
    return this.#operations.run('count', async () => {
      let count = 0;
      for await (const page of this.#reader.pagesOfIds()) count += page.length;
      return count;
    });
  }

  /**
   * The entities that have all of these values, at least one of which is of an `@Indexed` property. With
   * `sortBy` the criteria may be empty: then all entities that have a value of that property.
   *
   * Two round trips, and one more to choose if several properties are indexed; one more for each further 500
   * entries of a value, two for each 500 of a range; three more for each 500 among which some turn out to be
   * stale. With a `limit` it reads about as many as it returns, if all of them meet the criteria. Reads the
   * ids of all entities with a value, or ranges of 500, with one command.
   *
   * @throws RedisBatchException if some of what was found cannot be given, by id
   * @throws RedisConfigurationException if no property is indexed, a value is not to be searched for, or the
   * sort or the limit is not possible
   */
  findBy(criteria: Criteria<T>, options: FindByOptions<T> = {}): Promise<T[]> {
    return this.#operations.run('findBy', () => this.#findBy('findBy', criteria, options));
  }

  /** The first of the entities that {@link findBy} gives, or `null`. Without a sort any one of them. */
  findOneBy(
    criteria: Criteria<T>,
    { sortBy, order }: Omit<FindByOptions<T>, 'limit'> = {},
  ): Promise<T | null> {
    return this.#operations.run('findOneBy', async () => {
      const found = await this.#findBy('findOneBy', criteria, { sortBy, order, limit: 1 });
      return found[0] ?? null;
    });
  }

  /**
   * Some of the entities that {@link findBy} would sort, and a cursor for the next page that needs nothing to
   * be kept anywhere: the position of its last entity. Entities that come or go meanwhile move no others
   * to another page; one whose value of `sortBy` changes may be missing, or come twice.
   *
   * A page has `limit` entities, fewer if it has looked at 10,000 entries of the index, and is the last one
   * if `cursor` is `null`. Round trips as {@link findBy}.
   *
   * @throws RedisConfigurationException as {@link findBy}
   * @throws RedisValidationException for a cursor that no page with this sort has given
   * @throws RedisSerializationException as {@link entities}
   */
  pageBy(criteria: Criteria<T>, options: PageByOptions<T>): Promise<Page<T>> {
    return this.#operations.run('pageBy', async () => {
      const { limit = 100, onCorrupt, ...sort } = options;
      const query = this.#queries.queryOf('pageBy', criteria, { ...sort, limit });
      if (!query.sort) throw this.#queries.unsorted('pageBy');
      const { entities, cursor } = await this.#indexReader.page(query);
      return {
        entities: await this.#reader.decodeEach(this.#inKeys(entities), { onCorrupt }),
        cursor,
      };
    });
  }

  /**
   * How many entities {@link findBy} would give: each is read and compared, and as exact while others write.
   * A text that cannot be read is not counted. Round trips as {@link findBy}.
   *
   * @throws RedisConfigurationException as {@link findBy}
   */
  countBy(criteria: Criteria<T>): Promise<number> {
    return this.#operations.run('countBy', async () => {
      const query = this.#queries.queryOf('countBy', criteria, {});
      const found = await this.#indexReader.find({ ...query, isCount: true });
      for (const { reading } of found) if (reading instanceof RedisException) throw reading;
      return this.#inKeys(found).length;
    });
  }

  async #findBy(operation: string, criteria: Criteria<T>, options: FindByOptions<T>): Promise<T[]> {
    const { sortBy, order, limit } = options;
    const query = this.#queries.queryOf(operation, criteria, { sortBy, order, limit });
    const found = await this.#indexReader.find(query);
    return [...(await this.#reader.decodeAll(operation, this.#inKeys(found))).values()];
  }

  /** Leaves out what no key of this entity names. */
  #inKeys(found: readonly Indexed[]): ReadEntity<Id>[] {
    return found.flatMap(({ key, reading }) => {
      const id = this.#codec.idIn(key);
      return id === undefined ? [] : [{ id, key, reading }];
    });
  }

  #revise<R>(
    id: Id,
    ttl: WriteTtl,
    revise: Revise<R>,
    timeoutMs = this.#connection.commandTimeoutMs,
  ): Promise<R | null> {
    const key = this.#codec.keyOf(id);
    return this.#updates.update({ id: this.#codec.partOf(key), key, ttl }, revise, timeoutMs);
  }
}
