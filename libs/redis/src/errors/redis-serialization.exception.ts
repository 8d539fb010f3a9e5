import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when a value would not come back equal from the text that is stored, or stored bytes cannot be
 * read back.
 *
 * @publicApi
 */
export class RedisSerializationException extends RedisException {
  override readonly name = 'RedisSerializationException';
  readonly code = 'REDIS_SERIALIZATION';
  readonly key: string;
  /** Where in the value it is, such as `$.orders[3].placedAt`; `undefined` for what is stored. */
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
