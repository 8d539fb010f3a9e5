import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when Redis answers that it cannot serve a command now, but probably soon: LOADING, MASTERDOWN,
 * CLUSTERDOWN, TRYAGAIN, READONLY (a replica, or a primary just demoted), BUSY (a long script).
 *
 * @publicApi
 */
export class RedisUnavailableException extends RedisException {
  override readonly name = 'RedisUnavailableException';
  readonly code = 'REDIS_UNAVAILABLE';
  /** The first word of the error reply, e.g. `LOADING` or `READONLY`. */
  readonly reply: string;

  constructor(reply: string, options?: RedisExceptionOptions) {
    super(
      `Redis cannot serve this command now (${reply}): it is loading, failing over, read-only or ` +
        'busy. Try again shortly.',
      options,
    );
    this.reply = reply;
  }
}
