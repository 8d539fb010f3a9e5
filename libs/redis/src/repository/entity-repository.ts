import type { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import type { Duration } from '../time/duration.js';
import type { Ttl } from '../time/ttl.js';
import type { Criteria, Sortable } from './criteria.js';
import type { IdOf, IdValue } from './entity/entity-schema.js';

export interface ReadOptions {
  /** Ends the wait of this caller, who gets the signal's reason. Others are not disturbed. */
  readonly signal?: AbortSignal | undefined;
  /**
   * How long this caller waits.
   * @default the connection's `commandTimeout`
   * @example '50ms'
   */
  readonly timeout?: Duration | undefined;
}

export interface SaveOptions {
  /** @default the entity's `ttl`, else the connection's `defaultTtl` */
  readonly ttl?: Ttl | undefined;
}

export interface UpdateOptions {
  /**
   * `'keep'` leaves the time that is left as it is; `'default'` starts it anew, as `save` does.
   * @default 'keep'
   */
  readonly ttl?: Ttl | 'keep' | 'default' | undefined;
  /**
   * How long to start over while others are faster. The last attempt begins before that.
   * @default the connection's `commandTimeout`
   * @example '500ms'
   */
  readonly timeout?: Duration | undefined;
}

export interface IterationOptions {
  /**
   * Is told of stored data that is no entity, which is then left out.
   * @default the iteration throws
   */
  readonly onCorrupt?: ((error: RedisSerializationException) => void) | undefined;
}

export interface PageOptions extends IterationOptions {
  /**
   * How many entities to look for, 1 to 1000.
   * @default 100
   */
  readonly limit?: number | undefined;
  /** Where to go on: the `cursor` of the page before; none for the first page. */
  readonly cursor?: string | null | undefined;
}

/** Some of all entities. */
export interface Page<T> {
  /** About as many as asked for; it may be none although more follow. */
  readonly entities: readonly T[];
  /** Asks for the next page; `null` after the last one. */
  readonly cursor: string | null;
}

/** The properties to change; `undefined` takes one away. */
export type Patch<T> = { readonly [P in keyof T]?: T[P] | undefined };

/** Changes the entity it is given, or returns what to change. May be called several times. */
export type Change<T> = (entity: T) => Patch<T> | undefined | Promise<Patch<T> | undefined>;

export interface FindByOptions<T> {
  /**
   * Sorts by a property that is `@Indexed({ range: true })`. Entities without a value are left out.
   * @default no order
   */
  readonly sortBy?: Sortable<T> | undefined;
  /** @default 'asc' */
  readonly order?: SortOrder | undefined;
  /**
   * The most entities to return, 1 to 1000.
   * @default all of them
   */
  readonly limit?: number | undefined;
}

export type SortOrder = 'asc' | 'desc';

export interface PageByOptions<T> extends PageOptions {
  /** Sorts by a property that is `@Indexed({ range: true })`. Entities without a value are left out. */
  readonly sortBy: Sortable<T>;
  /** @default 'asc' */
  readonly order?: SortOrder | undefined;
}

/**
 * The port of a `RedisRepository`: an application's services can depend on it, and its tests can implement
 * it. `repositoryContract` of `nestjs-redis-data/testing` checks an implementation.
 *
 * @publicApi
 */
export interface EntityRepository<T extends object, Id extends IdValue = IdOf<T>> {
  getById(id: Id, options?: ReadOptions): Promise<T | null>;
  getByIdOrFail(id: Id, options?: ReadOptions): Promise<T>;
  getAll(ids: readonly Id[]): Promise<Map<Id, T>>;
  save(entity: T, options?: SaveOptions): Promise<T>;
  saveAll(entities: readonly T[], options?: SaveOptions): Promise<void>;
  update(id: Id, change: Patch<T> | Change<T>, options?: UpdateOptions): Promise<T | null>;
  delete(id: Id): Promise<boolean>;
  deleteAll(ids: readonly Id[]): Promise<number>;
  exists(id: Id): Promise<boolean>;
  expire(id: Id, ttl: Ttl): Promise<boolean>;
  ids(): AsyncIterableIterator<Id>;
  entities(options?: IterationOptions): AsyncIterableIterator<T>;
  page(options?: PageOptions): Promise<Page<T>>;
  count(): Promise<number>;
  findBy(criteria: Criteria<T>, options?: FindByOptions<T>): Promise<T[]>;
  findOneBy(criteria: Criteria<T>, options?: Omit<FindByOptions<T>, 'limit'>): Promise<T | null>;
  pageBy(criteria: Criteria<T>, options: PageByOptions<T>): Promise<Page<T>>;
  countBy(criteria: Criteria<T>): Promise<number>;
}
