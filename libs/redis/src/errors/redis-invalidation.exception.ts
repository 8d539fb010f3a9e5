import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisInvalidationFacts<Result = unknown> {
  /** The tags that may not have been invalidated. */
  readonly tags: readonly string[];
  /** The keys that may not have been deleted. */
  readonly keys: readonly string[];
  /** The result of the work. */
  readonly result: Result;
}

/**
 * Thrown by `change` when the work is done, but Redis acknowledged neither its beginning nor its end. Do not
 * repeat the work: invalidate `tags` and delete `keys` instead, or wait until the cached values expire. A
 * cache with an `outbox` invalidates them itself; it throws this exception only if the outbox is full, or if
 * repeating cannot help, e.g. without permission.
 *
 * @publicApi
 */
export class RedisInvalidationException<Result = unknown> extends RedisException {
  override readonly name = 'RedisInvalidationException';
  readonly code = 'REDIS_INVALIDATION';
  /** The tags that may not have been invalidated. */
  readonly tags: readonly string[];
  /** The keys that may not have been deleted. */
  readonly keys: readonly string[];
  readonly #result: Result;

  constructor(
    { tags, keys, result }: RedisInvalidationFacts<Result>,
    options?: RedisExceptionOptions,
  ) {
    super(
      'The change is made, but Redis acknowledged neither its beginning nor its end: cached values of ' +
        `${counted(tags, 'tag')} and ${counted(keys, 'key')} may be old. See "tags" and "keys". ` +
        'Do not repeat the change; invalidate these, or give the cache an outbox.',
      options,
    );
    this.tags = tags;
    this.keys = keys;
    this.#result = result;
  }

  /** The result of the work. It is not shown when the exception is logged or printed. */
  get result(): Result {
    return this.#result;
  }
}

function counted(names: readonly string[], what: string): string {
  return `${names.length} ${what}${names.length === 1 ? '' : 's'}`;
}
