import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when a value read back from its text would not be equal, or when stored bytes cannot be read.
 *
 * @publicApi
 */
export class RedisSerializationException extends RedisException {
  override readonly name = 'RedisSerializationException';
  readonly code = 'REDIS_SERIALIZATION';
  readonly key: string;
  /** The path in the value, such as `$.orders[3].placedAt`; `undefined` for stored bytes. */
  readonly path: string | undefined;

  constructor(
    key: string,
    problem: string,
    { path, ...options }: RedisExceptionOptions & { readonly path?: string } = {},
  ) {
    super(`The value at "${key}" ${problem}.`, options);
    this.key = key;
    this.path = path;
  }
}
