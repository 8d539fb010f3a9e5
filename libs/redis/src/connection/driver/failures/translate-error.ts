import { RedisException } from '../../../errors/redis.exception.js';
import { RedisAuthenticationException } from '../../../errors/redis-authentication.exception.js';
import { RedisCommandException } from '../../../errors/redis-command.exception.js';
import { RedisConnectionException } from '../../../errors/redis-connection.exception.js';
import { RedisOutOfMemoryException } from '../../../errors/redis-out-of-memory.exception.js';
import { RedisPermissionException } from '../../../errors/redis-permission.exception.js';
import { RedisTimeoutException } from '../../../errors/redis-timeout.exception.js';
import { RedisUnavailableException } from '../../../errors/redis-unavailable.exception.js';
import { isError } from '../../../errors/is-error.js';
import { printAddress } from '../../../errors/print-address.js';
import type { RedisAddress } from '../../options/options.js';
import { classifyError } from './classify-error.js';
import { failureOf, hideArguments, type CommandFailure } from './command-failures.js';
import { explainFailure, sentenceOf, type ConnectionFailure } from './explain-failure.js';

/**
 * Turns a driver error into an exception of this library. No other function does.
 *
 * @param known facts to use instead of those that were recorded with the error
 * @returns `undefined` for an error that does not come from Redis: pass it on as it is
 * @internal
 */
export function translateError(error: unknown, known?: CommandFailure): RedisException | undefined {
  const recorded = failureOf(error);
  if (!recorded && isError(error)) hideArguments(error); // a client that the library did not make
  const failure = known ?? recorded;
  const found = classifyError(error, failure !== undefined);
  if (!found) return undefined;
  const { connection, operation, key } = failure ?? {};
  const options = { cause: error, connection };
  switch (found.kind) {
    case 'connection':
      return noConnection(
        { error, connection, address: addressOf(error, failure) },
        failure?.reason,
      );
    case 'timeout':
      return new RedisTimeoutException(
        {
          operation: operation ?? 'a command',
          key,
          timeoutMs: failure?.timeoutMs ?? 0,
          ...(failure?.reason && { reason: sentenceOf(failure.reason, failure.address) }),
        },
        options,
      );
    case 'authentication':
      return new RedisAuthenticationException({
        ...options,
        ...(isError(error) && 'refusal' in error && { asked: 'A sentinel' }),
      });
    case 'permission':
      return new RedisPermissionException(operation, options);
    case 'unavailable':
      // A cluster client also redirects a command that it cannot send, until it gives up.
      if (failure?.reason) return noConnection({ error, ...failure }, failure.reason);
      return new RedisUnavailableException(found.reply, options);
    case 'out-of-memory':
      return new RedisOutOfMemoryException(options);
    case 'command':
      return new RedisCommandException({ operation, key, reply: found.reply }, options);
  }
}

/** An error that says there is no connection. */
export interface NoConnection {
  /** The error of the driver. */
  readonly error: unknown;
  /** The name of the connection. */
  readonly connection?: string | undefined;
  /** The configured address. */
  readonly address: RedisAddress;
}

/**
 * Makes the exception of a command or a boot that needed a connection and got none. Refused credentials
 * have an exception of their own: they are not an outage, and waiting does not help.
 *
 * @param reason why there is no connection, if that is known
 * @internal
 */
export function noConnection(
  { error, connection, address }: NoConnection,
  reason = isError(error) ? failureIn(error) : undefined,
): RedisConnectionException | RedisAuthenticationException {
  if (!reason) {
    return new RedisConnectionException({ ...address, connection, originalError: error });
  }
  if (classifyError(reason.error, true)?.kind === 'authentication') {
    const asked = reason.hop === 'sentinel' ? sentinelAt(reason.address) : undefined;
    return new RedisAuthenticationException({ cause: error, connection, ...(asked && { asked }) });
  }
  return new RedisConnectionException({
    ...(reason.address ?? address),
    connection,
    originalError: error,
    reason: explainFailure(reason).code,
    message: sentenceOf(reason, address),
  });
}

/** An error with a code says by itself why there is no connection. */
function failureIn(error: Error): ConnectionFailure | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? undefined : { error, hop: 'server', phase: 'connecting' };
}

function sentinelAt(address: RedisAddress | undefined): string {
  return address ? `The sentinel at ${printAddress(address)}` : 'The sentinel';
}

/** Behind sentinels and in a cluster, the error knows which server it was; the configuration does not. */
function addressOf(error: unknown, failure: CommandFailure | undefined): RedisAddress {
  const configured = failure?.address ?? { host: 'unknown host', port: 0 };
  const { lastNodeError } = error as { lastNodeError?: unknown };
  const { address, port } = (lastNodeError ?? error) as { address?: unknown; port?: unknown };
  const isKnown = typeof address === 'string' && typeof port === 'number';
  return isKnown && port !== configured.port ? { host: address, port } : configured;
}

/**
 * Whether an error is an exception of this library, or a driver error that translates to one.
 *
 * @internal
 */
export function isRedisFailure(error: unknown): boolean {
  return (
    error instanceof RedisException ||
    classifyError(error, failureOf(error) !== undefined) !== undefined
  );
}
