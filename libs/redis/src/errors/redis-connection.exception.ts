import { isError } from './is-error.js';
import { printAddress } from './print-address.js';
import { RedisException } from './redis.exception.js';

export interface RedisConnectionFacts {
  readonly host: string;
  readonly port: number;
  /** What the driver reported. */
  readonly originalError: unknown;
  /** A sentence to use instead of the default one. */
  readonly message?: string;
}

/**
 * Thrown when there is no connection to send a command on: refused, closed, unresolvable name,
 * retries used up, or not ready in time at start.
 *
 * @publicApi
 */
export class RedisConnectionException extends RedisException {
  override readonly name = 'RedisConnectionException';
  readonly code = 'REDIS_CONNECTION';
  /** A name, an address, or the path of a Unix socket. */
  readonly host: string;
  /** 0 for a Unix socket. */
  readonly port: number;

  constructor({ host, port, originalError, message }: RedisConnectionFacts) {
    super(
      message ??
        `No connection to Redis at ${printAddress({ host, port })} (${reason(originalError)}). ` +
          'Is the server running, and is the address right?',
      { cause: originalError },
    );
    this.host = host;
    this.port = port;
  }

  /** The driver's error; the same object as `cause`, under the name that callers look for. */
  get originalError(): unknown {
    return this.cause;
  }
}

function reason(error: unknown): string {
  if (!isError(error)) return 'no reason given';
  const { code } = error as NodeJS.ErrnoException;
  return code ?? error.message.split('\n', 1)[0] ?? error.name;
}
