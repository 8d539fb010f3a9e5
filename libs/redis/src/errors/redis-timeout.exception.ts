import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisTimeoutFacts {
  /** The command or operation that got no answer, e.g. `get`. */
  readonly operation: string;
  /** The first key it touched, when there is one. */
  readonly key?: string | undefined;
  /** How long it waited, in milliseconds. */
  readonly timeoutMs: number;
  /** Why there is no connection, in sentences; absent while there is one. */
  readonly reason?: string;
}

/**
 * Thrown when Redis did not answer within the command timeout or another deadline. The command may
 * or may not have been executed: repeat it only if that is harmless. If there is no connection the
 * message says why.
 *
 * @publicApi
 */
export class RedisTimeoutException extends RedisException {
  override readonly name = 'RedisTimeoutException';
  readonly code = 'REDIS_TIMEOUT';
  readonly operation: string;
  readonly key: string | undefined;
  readonly timeoutMs: number;

  constructor(
    { operation, key, timeoutMs, reason }: RedisTimeoutFacts,
    options?: RedisExceptionOptions,
  ) {
    const on = key === undefined ? '' : ` on "${key}"`;
    super(
      `Redis did not answer ${operation}${on} within ${timeoutMs} ms. ` +
        (reason ?? 'It may be overloaded, blocked by a slow command, or unreachable.'),
      options,
    );
    this.operation = operation;
    this.key = key;
    this.timeoutMs = timeoutMs;
  }
}
