import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when somebody else was faster: an optimistic update lost every retry, or a unique value is
 * taken. Read again, and decide again.
 *
 * @publicApi
 */
export class RedisConflictException extends RedisException {
  override readonly name = 'RedisConflictException';
  readonly code = 'REDIS_CONFLICT';
  readonly key: string;

  constructor(key: string, conflict: string, options?: RedisExceptionOptions) {
    super(`Conflict on "${key}": ${conflict}.`, options);
    this.key = key;
  }
}
