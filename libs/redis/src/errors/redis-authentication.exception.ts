import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisAuthenticationFacts extends RedisExceptionOptions {
  /** The server that refused, if it was a sentinel: `'A sentinel'`. @default 'Redis' */
  readonly asked?: string;
}

/**
 * Thrown when Redis, or a sentinel, refuses the credentials or needs some: NOAUTH or WRONGPASS.
 *
 * @publicApi
 */
export class RedisAuthenticationException extends RedisException {
  override readonly name = 'RedisAuthenticationException';
  readonly code = 'REDIS_AUTHENTICATION';

  constructor({ asked, ...options }: RedisAuthenticationFacts = {}) {
    const check = asked
      ? 'sentinelUsername and sentinelPassword; the credentials of Redis are not sent to sentinels'
      : 'the username and password';
    super(
      `${asked ?? 'Redis'} refused the credentials, or needs some and got none. Check ${check}.`,
      options,
    );
  }
}
