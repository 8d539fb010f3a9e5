import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when every dedicated connection is in use and none was given back within the waiting
 * deadline (`acquireTimeout`).
 *
 * @publicApi
 */
export class RedisPoolExhaustedException extends RedisException {
  override readonly name = 'RedisPoolExhaustedException';
  readonly code = 'REDIS_POOL_EXHAUSTED';
  /** The bound that was reached. */
  readonly maxConnections: number;
  /** How long the caller waited, in milliseconds. */
  readonly waitedMs: number;

  /**
   * @param reason why Redis cannot be reached, in words, if that is so: connections are then held for
   * longer, and more of them would not help
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
