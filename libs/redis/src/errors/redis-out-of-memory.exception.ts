import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when Redis has reached `maxmemory` and its policy forbids eviction: OOM.
 *
 * @publicApi
 */
export class RedisOutOfMemoryException extends RedisException {
  override readonly name = 'RedisOutOfMemoryException';
  readonly code = 'REDIS_OUT_OF_MEMORY';

  constructor(options?: RedisExceptionOptions) {
    super(
      'Redis is full (maxmemory reached) and refused the write. ' +
        'Raise maxmemory, shorten TTLs, or choose an eviction policy.',
      options,
    );
  }
}
