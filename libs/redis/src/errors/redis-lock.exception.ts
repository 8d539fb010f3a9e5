import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/** `not-acquired`: somebody else holds it. `lost`: we held it and its lease ran out. */
export type RedisLockFailure = 'not-acquired' | 'lost';

/**
 * Thrown when a lock could not be had in time, or was lost while it was needed.
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
        ? `The lock "${key}" is held by somebody else.`
        : `The lock "${key}" was lost: its lease ran out before the work was done.`,
      options,
    );
    this.key = key;
    this.failure = failure;
  }
}
