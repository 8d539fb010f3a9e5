import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisLoadTimeoutFacts {
  /** The key of the entry. */
  readonly key: string;
  /** The `loadTimeout` of the call, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * `loader`: the loader was called and did not end in time. `turn`: the loader was not called, because
   * Redis does not answer, or its value is being changed, and `maxLoads` other loaders were running all the
   * time.
   */
  readonly waitedFor: 'loader' | 'turn';
}

/**
 * Thrown by a cache when a loader took longer than `loadTimeout`, or could not start within that time.
 * Redis is not the cause: find out what the loader waits for. No value was cached.
 *
 * @publicApi
 */
export class RedisLoadTimeoutException extends RedisException {
  override readonly name = 'RedisLoadTimeoutException';
  readonly code = 'REDIS_LOAD_TIMEOUT';
  readonly key: string;
  readonly timeoutMs: number;
  readonly waitedFor: RedisLoadTimeoutFacts['waitedFor'];

  constructor(
    { key, timeoutMs, waitedFor }: RedisLoadTimeoutFacts,
    options?: RedisExceptionOptions,
  ) {
    super(
      waitedFor === 'loader'
        ? `The loader of "${key}" took longer than loadTimeout, ${timeoutMs} ms. Make what it waits ` +
            'for faster, or raise loadTimeout.'
        : `The loader of "${key}" was not called within loadTimeout, ${timeoutMs} ms: Redis does not ` +
            'answer, or the value is being changed, and maxLoads other loaders were running. Raise ' +
            'maxLoads if the source can serve more.',
      options,
    );
    this.key = key;
    this.timeoutMs = timeoutMs;
    this.waitedFor = waitedFor;
  }
}
