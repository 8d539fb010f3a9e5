import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when somebody else was faster: an optimistic update lost every retry, or a unique value is
 * taken. Read again, and decide again.
 *
 * @publicApi
 */
export class RedisConflictException extends RedisException {
  override readonly name = 'RedisConflictException';
  readonly code = 'REDIS_CONFLICT';
  readonly key: string;
  /** The property whose value is taken; absent when it is about the whole entity. */
  readonly property: string | undefined;

  constructor(
    key: string,
    conflict: string,
    { property, ...options }: RedisExceptionOptions & { readonly property?: string } = {},
  ) {
    super(`Conflict on "${key}": ${conflict}.`, options);
    this.key = key;
    this.property = property;
  }
}
