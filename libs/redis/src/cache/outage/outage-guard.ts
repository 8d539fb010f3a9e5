import type { RedisClient } from '../../connection/options/options.js';
import type { ReadSink } from '../../batch/read-part.js';
import { asRedisException } from '../../connection/translation/as-redis-exception.js';
import { nodeOf } from '../../connection/keyspace/hash-slots.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';
import { DeadlineSweeper } from '../../time/deadline-sweeper.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { RedisAway } from './redis-away.js';

export interface GuardOptions {
  readonly breakerThreshold: number;
  readonly breakerCooldownMs: number;
  readonly onBreaker: (state: 'open' | 'closed', error?: RedisException) => void;
}

/** The time that one call may still wait for Redis. */
export class Budget {
  readonly totalMs: number;
  leftMs: number;

  constructor(ms: number) {
    this.totalMs = ms;
    this.leftMs = ms;
  }

  get isSpent(): boolean {
    return this.leftMs <= 0;
  }
}

/**
 * What stands between a cache and Redis: nothing is sent over a connection that is not ready or to a
 * server whose breaker is open, and nothing is waited for longer than the caller's budget. In a
 * cluster each server has a breaker of its own.
 *
 * @internal
 */
export class OutageGuard {
  readonly #client: RedisClient;
  readonly #options: GuardOptions;
  readonly #breakers = new Map<string, CircuitBreaker>();
  readonly #deadlines = new DeadlineSweeper<Attempt<unknown>>(
    ({ isSettled }) => isSettled,
    (attempt) => {
      attempt.expire();
    },
  );

  constructor(client: RedisClient, options: GuardOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Whether the breaker of any server is open. */
  get isRefusing(): boolean {
    return [...this.#breakers.values()].some(({ isOpen }) => isOpen);
  }

  /**
   * Does something in Redis, if it can be expected to work.
   *
   * @param key decides which server it is about
   * @throws RedisAway with what it failed with, or what it would have: RedisTimeoutException after the
   * budget. What was sent may still be executed then
   */
  attempt<T>(key: string, operation: string, budget: Budget, work: () => Promise<T>): Promise<T> {
    return this.#refused({ key, operation, budget }) ?? this.insist(key, operation, budget, work);
  }

  /** The same for what is read often: one promise for all of it. */
  read<T>(inquiry: Inquiry<T>): Promise<T> {
    const refused = this.#refused(inquiry);
    if (refused) return refused;
    const attempt = new ReadAttempt<T>(this.#breakerOf(inquiry.key), inquiry);
    this.#deadlines.watch(attempt as Attempt<unknown>, attempt.startedAt);
    inquiry.ask(attempt);
    return attempt.promise;
  }

  /** Does something in Redis, whether or not it can be expected to work. */
  insist<T>(key: string, operation: string, budget: Budget, work: () => Promise<T>): Promise<T> {
    const attempt = new Attempt<T>(this.#breakerOf(key), { key, operation, budget });
    this.#deadlines.watch(attempt as Attempt<unknown>, attempt.startedAt);
    work().then(
      (result) => {
        attempt.end(result);
      },
      (error: unknown) => {
        attempt.fail(error as Error);
      },
    );
    return attempt.promise;
  }

  #refused(facts: AttemptFacts): Promise<never> | undefined {
    const refusal =
      this.#unreadiness() ??
      (facts.budget.isSpent ? timeoutOf(facts) : this.#breakerOf(facts.key).refusal());
    return refusal && Promise.reject(new RedisAway(refusal));
  }

  /** A client that was not told to connect does so with its first command. */
  #unreadiness(): RedisException | undefined {
    const { status } = this.#client;
    if (status === 'ready' || status === 'wait') return undefined;
    const closed = new Error(`The connection is not ready: ${status}`);
    return asRedisException(closed, this.#client);
  }

  #breakerOf(key: string): CircuitBreaker {
    const node = nodeOf(this.#client, key);
    let breaker = this.#breakers.get(node);
    if (!breaker) {
      const { breakerThreshold, breakerCooldownMs, onBreaker } = this.#options;
      breaker = new CircuitBreaker({
        threshold: breakerThreshold,
        cooldownMs: breakerCooldownMs,
        onChange: onBreaker,
      });
      this.#breakers.set(node, breaker);
    }
    return breaker;
  }
}

interface AttemptFacts {
  readonly key: string;
  readonly operation: string;
  readonly budget: Budget;
}

/** What is asked for, and what the reply means. */
export interface Inquiry<T> extends AttemptFacts {
  ask(sink: ReadSink): void;
  /** Called when the reply is here. @throws what the caller is to get */
  judge(text: string | null, beside: readonly (string | null)[]): T | Promise<T>;
}

function timeoutOf({ key, operation, budget }: AttemptFacts): RedisTimeoutException {
  const timeoutMs = budget.totalMs;
  return new RedisTimeoutException({ operation: `cache ${operation}`, key, timeoutMs });
}

/** Something that is being done in Redis, and somebody who waits for it. */
class Attempt<T> {
  readonly startedAt = performance.now();
  readonly deadline: number;
  readonly #breaker: CircuitBreaker;
  readonly #facts: AttemptFacts;
  isSettled = false;
  resolve!: (result: T | Promise<T>) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor(breaker: CircuitBreaker, facts: AttemptFacts) {
    this.#breaker = breaker;
    this.#facts = facts;
    this.deadline = this.startedAt + facts.budget.leftMs;
  }

  end(result: T): void {
    if (this.isSettled) return;
    this.answered();
    this.resolve(result);
  }

  fail(error: Error): void {
    if (this.isSettled) return;
    if (!(error instanceof RedisException)) {
      this.answered(); // a mistake in the program
      this.reject(error);
      return;
    }
    this.#settle();
    this.#breaker.failed(error);
    this.reject(error instanceof RedisConfigurationException ? error : new RedisAway(error));
  }

  /**
   * Not before the replies that are here already have been looked at: when it was this process that was
   * busy for so long they are, and its timers run first.
   */
  expire(): void {
    setImmediate(() => {
      if (!this.isSettled) this.fail(timeoutOf(this.#facts));
    });
  }

  /** By the server, whatever it said. */
  answered(): void {
    this.#settle();
    this.#breaker.succeeded();
  }

  #settle(): void {
    this.isSettled = true;
    const { budget } = this.#facts;
    budget.leftMs = Math.max(0, budget.leftMs - (performance.now() - this.startedAt));
  }
}

/** One that takes what was read as its result, once it has been judged. */
class ReadAttempt<T> extends Attempt<T> implements ReadSink {
  readonly #inquiry: Inquiry<T>;

  constructor(breaker: CircuitBreaker, inquiry: Inquiry<T>) {
    super(breaker, inquiry);
    this.#inquiry = inquiry;
  }

  succeed(text: string | null, beside: readonly (string | null)[]): void {
    if (this.isSettled) return;
    this.answered();
    try {
      this.resolve(this.#inquiry.judge(text, beside));
    } catch (error) {
      this.reject(error);
    }
  }
}
