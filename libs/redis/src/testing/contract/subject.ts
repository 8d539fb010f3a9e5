import type { IdOf, IdValue } from '../../repository/entity/entity-schema.js';
import type { Criteria, EntityRepository } from '../../repository/entity-repository.js';

/** A property of `T` that can be searched for. */
type SearchableProperty<T> = keyof Criteria<T> & string;

/** What the contract has to know about a repository and its entities. */
export interface RepositoryContractSubject<T extends object, Id extends IdValue = IdOf<T>> {
  /** A repository without any entity; called anew for each case. */
  open(): EntityRepository<T, Id> | Promise<EntityRepository<T, Id>>;
  /** Called with it after the case, however that ended. */
  close?(repository: EntityRepository<T, Id>): unknown;
  /**
   * A new, valid entity for each number: those of different numbers have different ids and unique
   * values, and as far as their types allow differ in everything else. An entity with some values of
   * one and some of another is valid, too, and lives for at least a minute.
   */
  example(n: number): T;
  /** The property that is the id. */
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
   * An entity that must not be saved, and every property that is wrong with it.
   *
   * @default none: the cases about validation are left out
   */
  invalid?(): { readonly entity: T; readonly wrong: readonly string[] };
  /**
   * Lets time pass, for the cases about expiry: about two seconds each.
   *
   * @default a real wait
   * @example (ms) => jest.advanceTimersByTimeAsync(ms)
   */
  wait?(ms: number): Promise<unknown>;
}

/** One promise that the port makes. */
export interface RepositoryContractCase {
  /** A sentence about behaviour. */
  readonly name: string;
  /** @throws AssertionError when the repository does not keep it */
  run(): Promise<void>;
}
