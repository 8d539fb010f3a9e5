import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/** `not-acquired`: another owner holds the lock. `lost`: the lease of the lock ended too early. */
export type RedisLockFailure = 'not-acquired' | 'lost';

/**
 * Thrown when a lock could not be acquired in time, or was lost before the work was done.
 *
 * @publicApi
 */
export class RedisLockException extends RedisException {
  override readonly name = 'RedisLockException';
  readonly code = 'REDIS_LOCK';
  readonly key: string;
  readonly failure: RedisLockFailure;

  constructor(key: string, failure: RedisLockFailure, options?: RedisExceptionOptions) {
    super(
      failure === 'not-acquired'
        ? `Another owner holds the lock "${key}".`
        : `The lock "${key}" was lost: its lease ended before the work was done.`,
      options,
    );
    this.key = key;
    this.failure = failure;
  }
}
