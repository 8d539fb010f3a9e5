import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisInvalidationFacts<Result = unknown> {
  /** The tags that may not have been invalidated. */
  readonly tags: readonly string[];
  /** The keys that may not have been deleted. */
  readonly keys: readonly string[];
  /** What the work returned. */
  readonly result: Result;
}

/**
 * Thrown by `change` when the work is done, and Redis acknowledged neither that it was about to begin nor
 * that it has ended. Do not repeat the work: invalidate `tags` and delete `keys` instead, or let what is
 * cached end with its `ttl`. With an `outbox` the cache does that itself; this is thrown then only if the
 * outbox is full, or if repeating cannot help, as without permission.
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
      'The change is made, but Redis acknowledged neither its beginning nor its end: what is cached under ' +
        `${counted(tags, 'tag')} and ${counted(keys, 'key')} may be old. See "tags" and "keys". ` +
        'Do not repeat the change; invalidate these, or give the cache an outbox.',
      options,
    );
    this.tags = tags;
    this.keys = keys;
    this.#result = result;
  }

  /** What the work returned. Not shown when the exception is logged or printed. */
  get result(): Result {
    return this.#result;
  }
}

function counted(names: readonly string[], what: string): string {
  return `${names.length} ${what}${names.length === 1 ? '' : 's'}`;
}
