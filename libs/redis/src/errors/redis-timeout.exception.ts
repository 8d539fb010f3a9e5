import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisTimeoutFacts {
  /** The command or operation without an answer, e.g. `get`. */
  readonly operation: string;
  /** The first key of the command, if it has one. */
  readonly key?: string | undefined;
  /** The time that it waited, in milliseconds. */
  readonly timeoutMs: number;
  /** Sentences that say why there is no connection; absent while there is one. */
  readonly reason?: string;
}

/**
 * Thrown when Redis did not answer within `commandTimeout` or another deadline. The command may or may not
 * have been executed: repeat it only if a second execution is harmless. Without a connection the message
 * says why.
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
