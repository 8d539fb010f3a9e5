import { RedisException } from './redis.exception.js';

/**
 * Thrown by calls that promise a value (`getByIdOrFail`) when the key does not exist or has expired.
 *
 * @publicApi
 */
export class RedisKeyNotFoundException extends RedisException {
  override readonly name = 'RedisKeyNotFoundException';
  readonly code = 'REDIS_KEY_NOT_FOUND';
  readonly key: string;

  constructor(key: string) {
    super(`There is no value at "${key}": it was never written, was deleted, or has expired.`);
    this.key = key;
  }
}
