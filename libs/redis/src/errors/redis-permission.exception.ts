import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

/**
 * Thrown when the ACL forbids a command, or one of its keys, to the user: NOPERM.
 *
 * @publicApi
 */
export class RedisPermissionException extends RedisException {
  override readonly name = 'RedisPermissionException';
  readonly code = 'REDIS_PERMISSION';
  /** The refused command, if it is known. */
  readonly operation: string | undefined;

  constructor(operation: string | undefined, options?: RedisExceptionOptions) {
    super(
      `The Redis user lacks the permission for ${operation ?? 'this command'} or one of its keys. ` +
        'Compare the rights in ACL GETUSER with those that the application needs.',
      options,
    );
    this.operation = operation;
  }
}
