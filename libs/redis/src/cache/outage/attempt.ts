import { RedisException } from '../../errors/redis.exception.js';
import type { Task } from './budget.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { Waiting } from './waiting.js';

/**
 * Counts how the server of a key answers a command.
 *
 * @returns the reply
 */
export type Ask = <R>(key: string, reply: Promise<R>) => Promise<R>;

/**
 * Several commands that are one attempt to do something, each to one server.
 *
 * @internal
 */
export class Attempt<T> extends Waiting<T> {
  /** Those that may be asked, and have not been yet. */
  readonly #idle: Set<CircuitBreaker>;
  /** How many commands each has not answered yet. */
  readonly #asked = new Map<CircuitBreaker, number>();
  /** Those that have answered, and failed with nothing. */
  readonly #served = new Set<CircuitBreaker>();
  readonly #breakerOf: (key: string) => CircuitBreaker;

  constructor(
    { key, operation, budget }: Task,
    allowed: readonly CircuitBreaker[],
    breakerOf: (key: string) => CircuitBreaker,
  ) {
    super(key, operation, budget);
    this.#idle = new Set(allowed);
    this.#breakerOf = breakerOf;
  }

  /** Waits for the answer of each server: one whose breaker lets a call try has to report the outcome. */
  get isOver(): boolean {
    return this.isSettled && this.#asked.size === 0;
  }

  readonly ask: Ask = (key, reply) => {
    const breaker = this.#breakerOf(key);
    this.#idle.delete(breaker);
    this.#asked.set(breaker, (this.#asked.get(breaker) ?? 0) + 1);
    reply.then(
      () => {
        this.#heard(breaker);
      },
      (error: unknown) => {
        this.#heard(breaker, error instanceof RedisException ? error : undefined);
      },
    );
    return reply;
  };

  end(result: T): void {
    if (this.isSettled) return;
    this.settle();
    this.resolve(result);
  }

  protected override settle(): void {
    super.settle();
    for (const breaker of this.#idle) breaker.notTried();
    for (const breaker of this.#served) if (!this.#asked.has(breaker)) breaker.succeeded();
  }

  blame(error: RedisException): void {
    for (const breaker of this.#asked.keys()) {
      this.#served.delete(breaker);
      breaker.failed(error);
    }
    this.#asked.clear();
  }

  #heard(breaker: CircuitBreaker, failure?: RedisException): void {
    const left = (this.#asked.get(breaker) ?? 0) - 1;
    if (left < 0) return; // its failure was counted when it did not answer in time
    if (left > 0) this.#asked.set(breaker, left);
    else this.#asked.delete(breaker);
    if (failure) {
      this.#served.delete(breaker);
      breaker.failed(failure);
    } else if (!this.isSettled) {
      this.#served.add(breaker);
    } else if (left === 0) {
      breaker.succeeded();
    }
  }
}
