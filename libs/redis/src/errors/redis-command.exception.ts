import { RedisException, type RedisExceptionOptions } from './redis.exception.js';

export interface RedisCommandFacts {
  /** The command that failed, if it is known. */
  readonly operation?: string | undefined;
  /** The first key of the command, if it has one. */
  readonly key?: string | undefined;
  /** The first word of the error reply: `WRONGTYPE`, `CROSSSLOT`, `NOSCRIPT`, `ERR`, ... */
  readonly reply: string;
}

/**
 * Thrown when Redis rejects a command as wrong: WRONGTYPE, CROSSSLOT, an error in a script, a syntax error.
 * Do not repeat the command: it fails until the program is changed.
 *
 * @publicApi
 */
export class RedisCommandException extends RedisException {
  override readonly name = 'RedisCommandException';
  readonly code = 'REDIS_COMMAND';
  readonly operation: string | undefined;
  readonly key: string | undefined;
  readonly reply: string;

  constructor({ operation, key, reply }: RedisCommandFacts, options?: RedisExceptionOptions) {
    const on = key === undefined ? '' : ` on "${key}"`;
    super(
      `Redis rejected ${operation ?? 'a command'}${on} with ${reply}${hint(reply)}. ` +
        'The full reply is in "cause".',
      options,
    );
    this.operation = operation;
    this.key = key;
    this.reply = reply;
  }
}

function hint(reply: string): string {
  switch (reply) {
    case 'WRONGTYPE':
      return ': the key holds another data type than the command works on';
    case 'CROSSSLOT':
      return ': its keys live in different hash slots; use a hash tag or one command per slot';
    case 'ASK':
    case 'MOVED':
      return ': the server is a node of a cluster; give it as "clusterNodes" instead of "host"';
    default:
      return '';
  }
}
