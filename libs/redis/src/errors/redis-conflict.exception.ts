import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when another caller was faster: an optimistic update lost each retry, or another entity has the
 * unique value. Read the entity again, then decide again.
 *
 * @publicApi
 */
export class RedisConflictException extends RedisException {
  override readonly name = 'RedisConflictException';
  readonly code = 'REDIS_CONFLICT';
  readonly key: string;
  /** The property whose value another entity has; absent for a conflict about the whole entity. */
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
