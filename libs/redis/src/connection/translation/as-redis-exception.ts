import { RedisException } from '../../errors/redis.exception.js';
import type { RedisAddress, RedisClient } from '../options/options.js';
import { failureOf } from './command-failures.js';
import { translateError } from './translate-error.js';

/**
 * What the door of a repository or a batch makes of a rejected command. The client may be a plain
 * ioredis one that nobody supervises: that the error is Redis's is known from where it was caught.
 *
 * @throws the error itself if it is neither the driver's nor ours: a mistake in the program
 * @internal
 */
export function asRedisException(error: unknown, client: RedisClient): RedisException {
  if (error instanceof RedisException) return error;
  const exception = translateError(error, failureOf(error) ?? foreignFailure(client));
  if (!exception) throw error;
  return exception;
}

function foreignFailure(client: RedisClient) {
  return { connection: 'default', address: addressOf(client), timeoutMs: timeoutMsOf(client) };
}

function addressOf(client: RedisClient): RedisAddress {
  if ('nodes' in client) return { host: 'cluster', port: 0 };
  const { path, host = 'localhost', port = 6379 } = client.options;
  return path ? { host: path, port: 0 } : { host, port };
}

function timeoutMsOf(client: RedisClient): number {
  return ('nodes' in client ? undefined : client.options.commandTimeout) ?? 0;
}
