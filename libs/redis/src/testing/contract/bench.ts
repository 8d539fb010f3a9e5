import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { types } from 'node:util';
import type { RedisErrorCode } from '../../errors/redis.exception.js';
import type { IdValue } from '../../repository/entity/entity-schema.js';
import type { Criteria, EntityRepository, Patch } from '../../repository/entity-repository.js';
import type { RepositoryContractSubject } from './subject.js';

/** A case that is still without a repository to try it on. */
export interface BenchCase {
  readonly name: string;
  run<T extends object, Id extends IdValue>(bench: Bench<T, Id>): Promise<void>;
}

/** An entity, seen as what it consists of. */
type Values = Record<string, unknown>;

/** One repository under test, and what its cases have in common. */
export class Bench<T extends object, Id extends IdValue> {
  readonly repository: EntityRepository<T, Id>;
  readonly #subject: RepositoryContractSubject<T, Id>;

  constructor(subject: RepositoryContractSubject<T, Id>, repository: EntityRepository<T, Id>) {
    this.repository = repository;
    this.#subject = subject;
  }

  /** Example `n`, with some values of example `other`. */
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

  /** Everything about example `n` but its id: makes another valid entity of any. */
  patch(n: number): Patch<T> {
    const entries = Object.entries(this.example(n)).filter(([name]) => name !== this.#subject.id);
    return Object.fromEntries(entries) as Patch<T>;
  }

  /** Example `n` under the id of example `id`. */
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

  invalid(): { readonly entity: T; readonly wrong: readonly string[] } {
    return required(this.#subject.invalid?.bind(this.#subject))();
  }

  /** To look for the values that example `n` has. */
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

  /** What is stored for example `n` has the values of `expected`. */
  async expectStored(n: number, expected: T, message?: string): Promise<void> {
    this.expectSame(await this.repository.getById(this.id(n)), expected, message);
  }

  async expectAbsent(n: number, message?: string): Promise<void> {
    assert.equal(await this.repository.getById(this.id(n)), null, message);
  }

  /** Of instances and look-alikes only the values count; a property without a value is none. */
  expectSame(actual: T | null | undefined, expected: T, message?: string): void {
    assert.deepEqual(essenceOf(actual), essenceOf(expected), message);
  }

  /** The same entities, in any order. */
  expectAll(actual: readonly T[], expected: readonly T[], message?: string): void {
    const sorted = (entities: readonly T[]) =>
      [...entities].sort((a, b) => compare(String(this.idOf(a)), String(this.idOf(b))));
    assert.deepEqual(
      sorted(actual).map((entity) => essenceOf(entity)),
      sorted(expected).map((entity) => essenceOf(entity)),
      message,
    );
  }

  /** Failures are told by their code: a double may have exceptions of its own. */
  async expectFailure(
    code: RedisErrorCode,
    promise: Promise<unknown>,
  ): Promise<Record<string, unknown>> {
    const failure = await promise.then(
      () => assert.fail(`was done, where ${code} was to be expected`),
      (error: unknown) => error as Record<string, unknown>,
    );
    if (failure['code'] !== code) throw failure as unknown as Error;
    return failure;
  }
}

/** All that an iterator gives. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const all: Item[] = [];
  for await (const item of items) all.push(item);
  return all;
}

/** `'done'`, or the code of the failure. */
export async function settled(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'done',
    (error: unknown) => String((error as { code?: unknown }).code ?? error),
  );
}

function required<Value>(value: Value | undefined): Value {
  assert.ok(value !== undefined, 'this case needs more to be known about the subject');
  return value;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/**
 * What of a value is compared: no classes and no properties without a value; dates stay dates, of
 * whichever realm.
 */
function essenceOf(value: unknown): unknown {
  if (types.isDate(value)) return { date: value.getTime() };
  if (Array.isArray(value)) return value.map(essenceOf);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(entries.map(([name, inner]) => [name, essenceOf(inner)]));
}
