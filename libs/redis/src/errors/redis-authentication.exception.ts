import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when Redis, or a sentinel, refuses who we say we are: NOAUTH or WRONGPASS.
 *
 * @publicApi
 */
export class RedisAuthenticationException extends RedisException {
  override readonly name = 'RedisAuthenticationException';
  readonly code = 'REDIS_AUTHENTICATION';

  /** @param bySentinel whether a sentinel refused those for the sentinels */
  constructor(options?: RedisExceptionOptions, bySentinel = false) {
    super(
      bySentinel
        ? 'A sentinel refused the credentials, or wants some and got none. Check sentinelUsername and ' +
            'sentinelPassword; those of Redis are not sent to sentinels.'
        : 'Redis refused the credentials, or wants some and got none. Check the username and password.',
      options,
    );
  }
}
