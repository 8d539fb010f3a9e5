import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'node:util';
import type { RedisErrorCode } from '../../errors/redis.exception.js';
import type { IdValue } from '../../repository/entity/entity-schema.js';
import type { Criteria, Sortable } from '../../repository/criteria.js';
import type { EntityRepository, Patch } from '../../repository/entity-repository.js';
import type { RepositoryContractSubject } from './subject.js';

/** A case of the contract, for any repository. */
export interface ContractCase {
  readonly name: string;
  run<T extends object, Id extends IdValue>(fixture: Fixture<T, Id>): Promise<void>;
}

/** The properties of an entity and their values. */
type Values = Record<string, unknown>;

/** The repository under test, its example entities and the assertions that the cases share. */
export class Fixture<T extends object, Id extends IdValue> {
  readonly repository: EntityRepository<T, Id>;
  readonly #subject: RepositoryContractSubject<T, Id>;

  constructor(subject: RepositoryContractSubject<T, Id>, repository: EntityRepository<T, Id>) {
    this.repository = repository;
    this.#subject = subject;
  }

  /** Makes example `n`, with these properties of example `other`. */
  example(n: number, properties: readonly string[] = [], other = n): T {
    const entity = this.#subject.example(n);
    const values = this.#subject.example(other) as Values;
    for (const property of properties) (entity as Values)[property] = values[property];
    return entity;
  }

  idOf(entity: T): Id {
    return (entity as Values)[this.#subject.id] as Id;
  }

  /** The id of example `n`. */
  id(n: number): Id {
    return this.idOf(this.example(n));
  }

  ids(...numbers: readonly number[]): Id[] {
    return numbers.map((n) => this.id(n));
  }

  /** Makes a patch of all properties of example `n` but its id; each entity remains valid with it. */
  patch(n: number): Patch<T> {
    const entries = Object.entries(this.example(n)).filter(([name]) => name !== this.#subject.id);
    return Object.fromEntries(entries) as Patch<T>;
  }

  /** Makes example `n` with the id of example `id`. */
  disguised(n: number, id: number): T {
    return this.example(n, [this.#subject.id], id);
  }

  async save(...numbers: readonly number[]): Promise<void> {
    for (const n of numbers) await this.repository.save(this.example(n));
  }

  get indexed(): string {
    return required(this.#subject.indexed);
  }

  get unique(): string {
    return required(this.#subject.unique);
  }

  get range(): Sortable<T> {
    return required(this.#subject.range);
  }

  /** The value of example `n` by which entities are sorted. */
  rangeValue(n: number): number | Date {
    return (this.example(n) as Values)[this.range] as number | Date;
  }

  invalid(): { readonly entity: T; readonly wrong: readonly string[] } {
    return required(this.#subject.invalid?.bind(this.#subject))();
  }

  /** Makes the criteria that find the values of example `n`. */
  criteria(n: number, ...properties: readonly string[]): Criteria<T> {
    const values = this.example(n) as Values;
    return Object.fromEntries(properties.map((name) => [name, values[name]])) as Criteria<T>;
  }

  get idProperty(): string {
    return this.#subject.id;
  }

  async wait(ms: number): Promise<void> {
    await (this.#subject.wait?.(ms) ?? sleep(ms));
  }

  /** Asserts that the stored example `n` has the values of `expected`. */
  async expectStored(n: number, expected: T, message?: string): Promise<void> {
    this.expectSame(await this.repository.getById(this.id(n)), expected, message);
  }

  async expectAbsent(n: number, message?: string): Promise<void> {
    assert.equal(await this.repository.getById(this.id(n)), null, message);
  }

  /** Compares values only: not classes, and not properties that are `undefined`. */
  expectSame(actual: T | null | undefined, expected: T, message?: string): void {
    assert.deepEqual(essenceOf(actual), essenceOf(expected), message);
  }

  /** Compares the same entities in any order. */
  expectAll(actual: readonly T[], expected: readonly T[], message?: string): void {
    const sorted = (entities: readonly T[]) =>
      [...entities].sort((a, b) => compare(String(this.idOf(a)), String(this.idOf(b))));
    assert.deepEqual(
      sorted(actual).map((entity) => essenceOf(entity)),
      sorted(expected).map((entity) => essenceOf(entity)),
      message,
    );
  }

  /** Compares the code only, because a test double may have its own exceptions. */
  async expectFailure(
    code: RedisErrorCode,
    promise: Promise<unknown>,
  ): Promise<Record<string, unknown>> {
    const failure = await promise.then(
      () => assert.fail(`succeeded, but ${code} was expected`),
      (error: unknown) => error as Record<string, unknown>,
    );
    if (failure['code'] !== code) throw failure as unknown as Error;
    return failure;
  }
}

/** Collects all items of an iterator. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** Waits for the promise. @returns `'done'`, or the code of the failure */
export async function settled(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (error: unknown) => String((error as { code?: unknown }).code ?? error),
  );
}

function required<Value>(value: Value | undefined): Value {
  assert.ok(value !== undefined, 'this case needs an optional member of the subject');
  return value;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * Reduces a value to what is compared: classes and properties without a value are left out; a date of any
 * realm stays a date.
 */
function essenceOf(value: unknown): unknown {
  if (types.isDate(value)) return { date: value.getTime() };
  if (Array.isArray(value)) return value.map(essenceOf);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, essenceOf(inner)]));
}
