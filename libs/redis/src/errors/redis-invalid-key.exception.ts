import { RedisException } from './redis.exception.js';

/**
 * Thrown when a key cannot be built from what was given: an empty part, `undefined`, `NaN`. Nothing
 * was sent to Redis.
 *
 * @publicApi
 */
export class RedisInvalidKeyException extends RedisException {
  override readonly name = 'RedisInvalidKeyException';
  readonly code = 'REDIS_INVALID_KEY';
  /** Which part of the key was refused, e.g. `kind` or `part 2`. */
  readonly part: string;

  constructor(part: string, problem: string) {
    super(`Cannot build a Redis key: ${part} ${problem}.`);
    this.part = part;
  }
}
