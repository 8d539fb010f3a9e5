/**
 * @module errors The exceptions of the library. This layer imports no other, so that every other may throw.
 */

/** The machine-readable name of each failure. Codes never change; messages may. */
export type RedisErrorCode =
  | 'REDIS_AUTHENTICATION'
  | 'REDIS_BATCH'
  | 'REDIS_COMMAND'
  | 'REDIS_CONFIGURATION'
  | 'REDIS_CONFLICT'
  | 'REDIS_CONNECTION'
  | 'REDIS_INVALIDATION'
  | 'REDIS_INVALID_KEY'
  | 'REDIS_KEY_NOT_FOUND'
  | 'REDIS_LOAD_CYCLE'
  | 'REDIS_LOAD_TIMEOUT'
  | 'REDIS_OUT_OF_MEMORY'
  | 'REDIS_PERMISSION'
  | 'REDIS_POOL_EXHAUSTED'
  | 'REDIS_SERIALIZATION'
  | 'REDIS_TIMEOUT'
  | 'REDIS_UNAVAILABLE'
  | 'REDIS_UNCONFIRMED'
  | 'REDIS_VALIDATION';

export interface RedisExceptionOptions {
  /** The error that this one translates, kept for the log and for debugging. */
  readonly cause?: unknown;
  /** The name of the connection that failed. */
  readonly connection?: string | undefined;
}

/**
 * The parent of all exceptions of this library: `error instanceof RedisException` tells failures of Redis
 * from those of the application.
 *
 * Messages name hosts and keys, but never a password or a stored value. They are meant for logs, not for
 * HTTP responses (`RedisExceptionFilter` writes those).
 *
 * @publicApi
 */
export abstract class RedisException extends Error {
  abstract override readonly name: string;
  abstract readonly code: RedisErrorCode;

  /** The name of the connection that failed; `undefined` if the failure belongs to none. */
  readonly connection: string | undefined;

  constructor(message: string, options: RedisExceptionOptions = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.connection = options.connection;
  }
}
