import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisAuthenticationFacts extends RedisExceptionOptions {
  /** Who refused, if it was not the server itself. @default 'Redis' */
  readonly asked?: string;
}

/**
 * Thrown when Redis refuses who we say we are: NOAUTH or WRONGPASS.
 *
 * @publicApi
 */
export class RedisAuthenticationException extends RedisException {
  override readonly name = 'RedisAuthenticationException';
  readonly code = 'REDIS_AUTHENTICATION';

  constructor({ asked = 'Redis', ...options }: RedisAuthenticationFacts = {}) {
    super(
      `${asked} refused the credentials, or wants some and got none. Check the username and password.`,
      options,
    );
  }
}
