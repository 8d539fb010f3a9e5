import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when the ACL user may not do this: NOPERM.
 *
 * @publicApi
 */
export class RedisPermissionException extends RedisException {
  override readonly name = 'RedisPermissionException';
  readonly code = 'REDIS_PERMISSION';
  /** The command that was refused, when it is known. */
  readonly operation: string | undefined;

  constructor(operation: string | undefined, options?: RedisExceptionOptions) {
    super(
      `The Redis user lacks the permission for ${operation ?? 'this command'} or one of its keys. ` +
        'Compare ACL GETUSER with what the application needs.',
      options,
    );
    this.operation = operation;
  }
}
