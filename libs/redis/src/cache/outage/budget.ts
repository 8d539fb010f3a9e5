import type { Connection } from '../../connection/connection.js';
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

/** Something to do in Redis: what errors call it, and the time of its caller. */
export interface Task {
  readonly key: string;
  readonly operation: string;
  readonly budget: Budget;
}

/** Names the failure of the connection, if that is why Redis did not answer. */
export function timeoutOf(
  { key, operation, budget }: Task,
  connection: Connection,
): RedisTimeoutException {
  const timeoutMs = budget.totalMs;
  return connection.lateException({ operation: `cache ${operation}`, key, timeoutMs });
}
