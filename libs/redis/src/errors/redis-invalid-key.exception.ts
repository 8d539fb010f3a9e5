import { RedisException } from './redis.exception.js';

/**
 * Thrown when a key cannot be built from its parts: a part is empty, `undefined` or `NaN`. No command was
 * sent.
 *
 * @publicApi
 */
export class RedisInvalidKeyException extends RedisException {
  override readonly name = 'RedisInvalidKeyException';
  readonly code = 'REDIS_INVALID_KEY';
  /** The part of the key that was refused, e.g. `kind` or `part 2`. */
  readonly part: string;

  constructor(part: string, problem: string) {
    super(`Cannot build a Redis key: ${part} ${problem}.`);
    this.part = part;
  }
}
