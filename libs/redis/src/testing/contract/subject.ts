import type { IdOf, IdValue } from '../../repository/entity/entity-schema.js';
import type { Criteria, Sortable } from '../../repository/criteria.js';
import type { EntityRepository } from '../../repository/entity-repository.js';

/** A property of `T` that can be searched for. */
type SearchableProperty<T> = keyof Criteria<T> & string;

/** Tells the contract about a repository and its entities. */
export interface RepositoryContractSubject<T extends object, Id extends IdValue = IdOf<T>> {
  /** Returns a repository without entities; called for each case. */
  open(): EntityRepository<T, Id> | Promise<EntityRepository<T, Id>>;
  /** Called after the case, also if it failed. */
  close?(repository: EntityRepository<T, Id>): unknown;
  /**
   * Makes a new, valid entity for each number. Entities of different numbers must have different ids and
   * unique values, and differ in all other properties as far as their types allow. An entity with some
   * values of one and some of another must be valid, too, and live for at least a minute.
   */
  example(n: number): T;
  /** The name of the id's property. */
  readonly id: keyof T & string;
  /**
   * A property that is `@Indexed()`, with different values in `example(1)` and `example(2)`.
   *
   * @default none: the cases about findBy are left out
   */
  readonly indexed?: SearchableProperty<T>;
  /**
   * A property that is `@Indexed({ unique: true })`.
   *
   * @default none: the cases about unique values are left out
   */
  readonly unique?: SearchableProperty<T>;
  /**
   * A property that is `@Indexed({ range: true })`, with greater values in the examples of greater numbers.
   *
   * @default none: the cases about ranges and sorts are left out
   */
  readonly range?: Sortable<T> & keyof T;
  /**
   * Makes an entity that must not be saved, and names its invalid properties.
   *
   * @default none: the cases about validation are left out
   */
  invalid?(): { readonly entity: T; readonly wrong: readonly string[] };
  /**
   * Lets time pass in the cases about expiry; each waits for about two seconds.
   *
   * @default a real wait
   * @example (ms) => jest.advanceTimersByTimeAsync(ms)
   */
  wait?(ms: number): Promise<unknown>;
}

/** Tests one promise of the port. */
export interface RepositoryContractCase {
  /** A sentence about behaviour. */
  readonly name: string;
  /** @throws AssertionError if the repository breaks the promise */
  run(): Promise<void>;
}
