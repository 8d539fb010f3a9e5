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
 * cached end with its `ttl`. With an `outbox` the cache does that itself, and this is not thrown.
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
    const named = [...tags.map((tag) => `tag "${tag}"`), ...keys.map((key) => `key "${key}"`)];
    const shown = named.length > MOST_SHOWN ? [...named.slice(0, MOST_SHOWN), '...'] : named;
    super(
      `The change is made, but Redis did not acknowledge it, so what is cached may be old: ${shown.join(', ')}. ` +
        'Do not repeat the change: invalidate these, or set `outbox: true`.',
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

/** A message stays readable. */
const MOST_SHOWN = 5;
