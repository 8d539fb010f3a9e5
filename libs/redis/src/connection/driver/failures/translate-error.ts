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
import { explainFailure, type ConnectionFailure } from './explain-failure.js';

/**
 * The one place where a driver error becomes an exception of ours.
 *
 * @param known facts of a caller who knows better than the error, e.g. while connecting
 * @returns `undefined` for an error that is not Redis's: pass it on as it is
 * @internal
 */
export function translateError(error: unknown, known?: CommandFailure): RedisException | undefined {
  if (isError(error)) hideArguments(error); // of clients that are not ours, too
  const failure = known ?? failureOf(error);
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
      // A cluster client redirects what it cannot send, too, until it has had enough.
      if (failure?.reason) return noConnection({ error, ...failure }, failure.reason);
      return new RedisUnavailableException(found.reply, options);
    case 'out-of-memory':
      return new RedisOutOfMemoryException(options);
    case 'command':
      return new RedisCommandException({ operation, key, reply: found.reply }, options);
  }
}

/** An error for want of a connection. */
export interface NoConnection {
  /** The driver's. */
  readonly error: unknown;
  /** The name of the connection. */
  readonly connection?: string | undefined;
  /** The configured address. */
  readonly address: RedisAddress;
}

/**
 * The exception of a command or a boot that needed a connection and got none. Refused credentials have an
 * exception of their own: they are no outage, and no time heals them.
 *
 * @param reason the failure that is known to be behind it
 * @internal
 */
export function noConnection(
  { error, connection, address }: NoConnection,
  reason = isError(error) ? failureIn(error) : undefined,
): RedisConnectionException | RedisAuthenticationException {
  if (!reason)
    return new RedisConnectionException({ ...address, connection, originalError: error });
  if (classifyError(reason.error, true)?.kind === 'authentication') {
    const asked = reason.hop === 'sentinel' ? `The sentinel${at(reason.address)}` : undefined;
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

/** Of an error that is its own reason. */
function failureIn(error: Error): ConnectionFailure | undefined {
  const { code } = error as NodeJS.ErrnoException;
  return code === undefined ? undefined : { error, hop: 'server', phase: 'connecting' };
}

/**
 * A failure of a connection in two sentences: what could not be reached and why, and what to try.
 *
 * @param configured the address to name where the failure does not know it
 * @internal
 */
export function sentenceOf(failure: ConnectionFailure, configured: RedisAddress): string {
  const { reason, advice } = explainFailure(failure);
  const server = failure.hop === 'sentinel' ? 'the sentinel' : 'Redis';
  return `No connection to ${server}${at(failure.address ?? configured)} (${reason}). ${advice}`;
}

function at(address: RedisAddress | undefined): string {
  return address ? ` at ${printAddress(address)}` : '';
}

/** Behind sentinels and in a cluster the error knows better which server it was. */
function addressOf(error: unknown, failure: CommandFailure | undefined): RedisAddress {
  const configured = failure?.address ?? { host: 'unknown host', port: 0 };
  const { lastNodeError } = error as { lastNodeError?: unknown };
  const { address, port } = (lastNodeError ?? error) as { address?: unknown; port?: unknown };
  const isKnown = typeof address === 'string' && typeof port === 'number';
  return isKnown && port !== configured.port ? { host: address, port } : configured;
}

/**
 * Whether this is an exception of ours or a driver error that translates to one.
 *
 * @internal
 */
export function isRedisFailure(error: unknown): boolean {
  return (
    error instanceof RedisException ||
    classifyError(error, failureOf(error) !== undefined) !== undefined
  );
}
