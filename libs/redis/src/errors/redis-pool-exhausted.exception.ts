import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when all dedicated connections are in use and none was released within `acquireTimeout`.
 *
 * @publicApi
 */
export class RedisPoolExhaustedException extends RedisException {
  override readonly name = 'RedisPoolExhaustedException';
  readonly code = 'REDIS_POOL_EXHAUSTED';
  /** The limit that was reached. */
  readonly maxConnections: number;
  /** How long the caller waited, in milliseconds. */
  readonly waitedMs: number;

  /**
   * @param reason a sentence that says why Redis cannot be reached; absent if it can. Without Redis
   * connections are held for longer, and a higher limit would not help
   */
  constructor(
    maxConnections: number,
    waitedMs: number,
    reason?: string,
    options?: RedisExceptionOptions,
  ) {
    super(
      `All ${maxConnections} dedicated Redis connections are in use and none was released within ` +
        `${waitedMs} ms. ` +
        (reason ?? 'Raise maxConnections, or look for one that is never released.'),
      options,
    );
    this.maxConnections = maxConnections;
    this.waitedMs = waitedMs;
  }
}
