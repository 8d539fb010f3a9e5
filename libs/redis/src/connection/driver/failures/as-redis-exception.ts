import { RedisException } from '../../../errors/redis.exception.js';
import {
  RedisTimeoutException,
  type RedisTimeoutFacts,
} from '../../../errors/redis-timeout.exception.js';
import type { RedisAddress, RedisClient } from '../../options/options.js';
import { failureOf } from './command-failures.js';
import { failureBehind, failureBehindSilence } from './connection-failures.js';
import { sentenceOf, translateError } from './translate-error.js';

/**
 * What the door of a repository or a batch makes of a rejected command. The client may be a plain
 * ioredis one that nobody supervises: that the error is Redis's is known from where it was caught.
 *
 * @throws the error itself if it is neither the driver's nor ours: a mistake in the program
 * @internal
 */
export function asRedisException(error: unknown, client: RedisClient): RedisException {
  if (error instanceof RedisException) return error;
  const exception = translateError(error, failureOf(error) ?? foreignFailure(error, client));
  if (!exception) throw error;
  return exception;
}

/**
 * The exception of a caller who waits less long than commands may take. Says so if the connection is not
 * there: then nothing could be answered.
 *
 * @internal
 */
export function lateException(
  client: RedisClient,
  facts: Omit<RedisTimeoutFacts, 'reason'>,
): RedisTimeoutException {
  const failure = failureBehindSilence(client, facts.key);
  if (!failure) return new RedisTimeoutException(facts);
  const reason = sentenceOf(failure, addressOf(client));
  return new RedisTimeoutException({ ...facts, reason }, { cause: failure.error });
}

function foreignFailure(error: unknown, client: RedisClient) {
  return {
    connection: 'default',
    address: addressOf(client),
    timeoutMs: timeoutMsOf(client),
    reason: failureBehind(error, client),
  };
}

function addressOf(client: RedisClient): RedisAddress {
  if ('nodes' in client) return { host: 'cluster', port: 0 };
  const { path, host = 'localhost', port = 6379 } = client.options;
  return path ? { host: path, port: 0 } : { host, port };
}

function timeoutMsOf(client: RedisClient): number {
  return ('nodes' in client ? undefined : client.options.commandTimeout) ?? 0;
}
