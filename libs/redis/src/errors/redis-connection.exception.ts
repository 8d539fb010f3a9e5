import { isError } from './is-error.js';
import { printAddress } from './print-address.js';
import { RedisException } from './redis.exception.js';

export interface RedisConnectionFacts {
  readonly host: string;
  readonly port: number;
  /** The error of the driver. */
  readonly originalError: unknown;
  /** The last failure of the connection: a code of the system or of OpenSSL, or the first word of a reply. */
  readonly reason?: string;
  /** The name of the connection. */
  readonly connection?: string | undefined;
  /** A message instead of the default one. */
  readonly message?: string;
}

/**
 * Thrown when there is no connection for a command: it was refused or closed, its host name cannot be
 * resolved, all attempts are used up, or it was not ready in time at boot.
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
  /**
   * The last failure of the connection, e.g. `ECONNREFUSED`, `CERT_HAS_EXPIRED` or
   * `ERR_TLS_CERT_ALTNAME_INVALID`; `undefined` if it is not known.
   */
  readonly reason: string | undefined;

  constructor(facts: RedisConnectionFacts) {
    const { host, port, originalError, reason, connection, message } = facts;
    super(
      message ??
        `No connection to Redis at ${printAddress({ host, port })} (${saidBy(originalError)}). ` +
          'Is the server running, and is the address right?',
      { cause: originalError, connection },
    );
    this.host = host;
    this.port = port;
    this.reason = reason ?? codeOf(originalError);
  }

  /** The error of the driver; the same object as `cause`. */
  get originalError(): unknown {
    return this.cause;
  }
}

function saidBy(error: unknown): string {
  if (!isError(error)) return 'no reason given';
  return codeOf(error) ?? error.message.split('\n', 1)[0] ?? error.name;
}

function codeOf(error: unknown): string | undefined {
  return isError(error) ? (error as NodeJS.ErrnoException).code : undefined;
}
