import type { RedisClient } from '../../connection/options/options.js';
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
  readonly #deadlines = new DeadlineSweeper<Waiting>(
    ({ isSettled }) => isSettled,
    (waiting) => {
      waiting.expire();
    },
  );

  constructor(client: RedisClient, options: GuardOptions) {
    this.#client = client;
    this.#options = options;
  }

  /**
   * Does something in Redis, if it can be expected to work.
   *
   * @param key decides which server it is about
   * @throws RedisAway with what it failed with, or what it would have: RedisTimeoutException after the
   * budget. What was sent may still be executed then
   */
  attempt<T>(key: string, operation: string, budget: Budget, work: () => Promise<T>): Promise<T> {
    const refusal =
      this.#unreadiness() ??
      (budget.isSpent ? timeout(key, operation, budget) : this.#breakerOf(key).refusal());
    if (refusal) return Promise.reject(new RedisAway(refusal));
    return this.insist(key, operation, budget, work);
  }

  /** The same, whether or not it can be expected to work. */
  insist<T>(key: string, operation: string, budget: Budget, work: () => Promise<T>): Promise<T> {
    const breaker = this.#breakerOf(key);
    const startedAt = performance.now();
    return new Promise<T>((resolve, reject) => {
      const fail = (error: Error) => {
        if (!(error instanceof RedisException)) {
          breaker.succeeded(); // a mistake in the program
          reject(error);
          return;
        }
        breaker.failed(error);
        reject(error instanceof RedisConfigurationException ? error : new RedisAway(error));
      };
      const waiting = new Waiting(startedAt + budget.leftMs, () => {
        budget.leftMs = 0;
        fail(timeout(key, operation, budget));
      });
      const settle = (): boolean => {
        if (waiting.isSettled) return false;
        waiting.isSettled = true;
        budget.leftMs -= performance.now() - startedAt;
        return true;
      };
      this.#deadlines.watch(waiting, startedAt);
      work().then(
        (result) => {
          if (!settle()) return;
          breaker.succeeded();
          resolve(result);
        },
        (error: unknown) => {
          if (settle()) fail(error as Error);
        },
      );
    });
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

function timeout(key: string, operation: string, { totalMs }: Budget): RedisTimeoutException {
  return new RedisTimeoutException({
    operation: `cache ${operation}`,
    key,
    timeoutMs: totalMs,
  });
}

/** Somebody who waits for a reply. */
class Waiting {
  readonly deadline: number;
  readonly #onLate: () => void;
  isSettled = false;

  constructor(deadline: number, onLate: () => void) {
    this.deadline = deadline;
    this.#onLate = onLate;
  }

  /**
   * Not before the replies that are here already have been looked at: when it was this process that was
   * busy for so long they are, and its timers run first.
   */
  expire(): void {
    setImmediate(() => {
      if (this.isSettled) return;
      this.isSettled = true;
      this.#onLate();
    });
  }
}
