import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown by a cache when a loader asks for its own value, directly or through other loaders: each would
 * wait for the other. Thrown at once. Call the source in the loader, not the cache.
 *
 * @publicApi
 */
export class RedisLoadCycleException extends RedisException {
  override readonly name = 'RedisLoadCycleException';
  readonly code = 'REDIS_LOAD_CYCLE';
  /** The key of the requested entry. */
  readonly key: string;
  /** The keys in the order in which their loaders ask for each other. `key` is the first and the last. */
  readonly path: readonly string[];

  constructor(path: readonly [string, ...string[]], options?: RedisExceptionOptions) {
    const [key] = path;
    const shown = path.map((each) => `"${each}"`);
    super(
      `The loader of "${key}" asks for its own value (${shown.join(' -> ')}), which would never ` +
        'come. Let it call the source, not the cache.',
      options,
    );
    this.key = key;
    this.path = path;
  }
}
