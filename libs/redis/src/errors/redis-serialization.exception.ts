import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when a value cannot be written as text, or stored bytes cannot be read back.
 *
 * @publicApi
 */
export class RedisSerializationException extends RedisException {
  override readonly name = 'RedisSerializationException';
  readonly code = 'REDIS_SERIALIZATION';
  readonly key: string;

  constructor(key: string, problem: string, options?: RedisExceptionOptions) {
    super(`The value at "${key}" ${problem}.`, options);
    this.key = key;
  }
}
