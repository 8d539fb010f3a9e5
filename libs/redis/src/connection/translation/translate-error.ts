import { RedisException } from '../../errors/redis.exception.js';
import { RedisAuthenticationException } from '../../errors/redis-authentication.exception.js';
import { RedisCommandException } from '../../errors/redis-command.exception.js';
import { RedisConnectionException } from '../../errors/redis-connection.exception.js';
import { RedisOutOfMemoryException } from '../../errors/redis-out-of-memory.exception.js';
import { RedisPermissionException } from '../../errors/redis-permission.exception.js';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';
import { RedisUnavailableException } from '../../errors/redis-unavailable.exception.js';
import { isError } from '../../errors/is-error.js';
import type { RedisAddress } from '../options/options.js';
import { classifyError } from './classify-error.js';
import { failureOf, hideArguments, type CommandFailure } from './command-failures.js';

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
  const { operation, key } = failure ?? {};
  const options = { cause: error };
  switch (found.kind) {
    case 'connection':
      return new RedisConnectionException({
        ...addressOf(error, failure),
        originalError: error,
      });
    case 'timeout':
      return new RedisTimeoutException(
        { operation: operation ?? 'a command', key, timeoutMs: failure?.timeoutMs ?? 0 },
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
      return new RedisUnavailableException(found.reply, options);
    case 'out-of-memory':
      return new RedisOutOfMemoryException(options);
    case 'command':
      return new RedisCommandException({ operation, key, reply: found.reply }, options);
  }
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
