import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import type { Budget, Task } from './budget.js';

/**
 * A failure of Redis, told apart from an error of a loader. A loader's error may be a failure of
 * Redis, too, but then going on without a cache would not help.
 *
 * @internal
 */
export class RedisAway extends Error {
  readonly error: RedisException;

  constructor(error: RedisException) {
    super(error.message, { cause: error });
    this.error = error;
    this.name = error.name; // a trace shows what happened, not what this class is called
  }
}

/** Whether Redis has failed, and not the program that asked for something impossible. */
export function isFailureOfRedis(error: unknown): error is RedisException {
  return error instanceof RedisException && !(error instanceof RedisConfigurationException);
}

/**
 * A caller's wait for something that is being done in Redis. The guard ends it in time.
 *
 * @internal
 */
export abstract class Waiting<T> implements Task {
  readonly key: string;
  readonly operation: string;
  readonly budget: Budget;
  readonly startedAt = performance.now();
  /** First that of the caller; then, where that had less time left, that of the server. */
  deadline: number;
  isSettled = false;
  resolve!: (result: T | Promise<T>) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor(key: string, operation: string, budget: Budget) {
    this.key = key;
    this.operation = operation;
    this.budget = budget;
    this.deadline = this.startedAt + budget.leftMs;
  }

  /** Whether neither the caller nor a server is waited for any more. */
  abstract get isOver(): boolean;

  /** Counts a failure of each server that has been asked and has not answered. */
  abstract blame(error: RedisException): void;

  fail(error: unknown): void {
    if (this.isSettled) return;
    this.settle();
    this.reject(isFailureOfRedis(error) ? new RedisAway(error) : error);
  }

  protected settle(): void {
    this.isSettled = true;
    const { budget } = this;
    budget.leftMs = Math.max(0, budget.leftMs - (performance.now() - this.startedAt));
  }
}
