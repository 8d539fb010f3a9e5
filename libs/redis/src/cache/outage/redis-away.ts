import type { RedisException } from '../../errors/redis.exception.js';

/**
 * What Redis failed with, told apart from what a loader threw: that may well be Redis's failure too,
 * but going on without a cache would not help.
 *
 * @internal
 */
export class RedisAway extends Error {
  readonly error: RedisException;

  constructor(error: RedisException) {
    super(error.message, { cause: error });
    this.error = error;
    this.name = error.name; // a trace shows what happened, not what we call it
  }
}
