import type { RedisClient } from '../../connection/options/options.js';
import { connectionOf } from '../../connection/connection.js';
import type { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';

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

/** What is to be done in Redis, on whose time, and what errors name. */
export interface Task {
  readonly key: string;
  readonly operation: string;
  readonly budget: Budget;
}

/** With the failure of the connection, if that is why nothing was answered. */
export function timeoutOf(
  { key, operation, budget }: Task,
  client: RedisClient,
): RedisTimeoutException {
  const timeoutMs = budget.totalMs;
  return connectionOf(client).lateException({ operation: `cache ${operation}`, key, timeoutMs });
}
