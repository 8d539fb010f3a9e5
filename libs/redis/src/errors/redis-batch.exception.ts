import { RedisException } from './redis.exception.js';

/**
 * Thrown when some keys of a bulk operation failed. `results` has the results of the other keys, so no
 * value that was read is lost. A key that failed with RedisTimeoutException or RedisConnectionException may
 * have been written. The operations of a repository have ids instead of keys.
 *
 * @publicApi
 */
export class RedisBatchException<Result = unknown, Key = string> extends RedisException {
  override readonly name = 'RedisBatchException';
  readonly code = 'REDIS_BATCH';
  /** The failure of each key that failed. */
  readonly errors: ReadonlyMap<Key, RedisException>;
  /** The result of each key that succeeded. */
  readonly results: ReadonlyMap<Key, Result>;

  constructor(
    operation: string,
    errors: ReadonlyMap<Key, RedisException>,
    results: ReadonlyMap<Key, Result>,
  ) {
    const total = errors.size + results.size;
    super(`${operation} failed for ${errors.size} of ${total} keys. See "errors" for each.`);
    this.errors = errors;
    this.results = results;
  }
}
