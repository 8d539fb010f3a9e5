import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when Redis refuses who we say we are: NOAUTH or WRONGPASS.
 *
 * @publicApi
 */
export class RedisAuthenticationException extends RedisException {
  override readonly name = 'RedisAuthenticationException';
  readonly code = 'REDIS_AUTHENTICATION';

  constructor(options?: RedisExceptionOptions) {
    super(
      'Redis refused the credentials, or wants some and got none. Check the username and password.',
      options,
    );
  }
}
