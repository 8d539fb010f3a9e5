import type { RedisException } from '../errors/redis.exception.js';
import { RedisAuthenticationException } from '../errors/redis-authentication.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import { isError } from '../errors/is-error.js';
import { printAddress } from '../errors/print-address.js';
import { withDeadline } from '../time/deadline.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
import { translateError } from './translation/translate-error.js';

/**
 * Holds the boot until Redis is ready, as the policies `wait` and `require` say.
 *
 * @throws RedisConnectionException when Redis is not ready in time and the policy is `require`
 * @throws RedisAuthenticationException when Redis refuses the credentials
 * @internal
 */
export async function awaitStartup(
  client: RedisClient,
  options: ResolvedRedisOptions,
): Promise<void> {
  let lastError: unknown;
  let stopListening = (): void => undefined;

  const outcome = new Promise<'ready' | 'not ready'>((resolve, reject) => {
    const onReady = () => {
      resolve('ready');
    };
    const onEnd = () => {
      resolve('not ready'); // closed by us, because another part of the boot failed
    };
    const onError = (error: Error) => {
      lastError = error;
      const exception = translate(error, options);
      if (exception instanceof RedisAuthenticationException) reject(exception);
    };
    client.on('ready', onReady).on('end', onEnd).on('error', onError);
    stopListening = () => client.off('ready', onReady).off('end', onEnd).off('error', onError);
  });
  try {
    const reached = await withDeadline(outcome, options.startupTimeoutMs, () => 'not ready');
    if (reached === 'not ready' && options.startup === 'require') {
      throw notReady(options, lastError);
    }
  } finally {
    stopListening();
  }
}

function notReady(options: ResolvedRedisOptions, originalError: unknown): RedisConnectionException {
  const [address] = options.addresses;
  const reason = isError(originalError) ? originalError.message : 'no answer';
  return new RedisConnectionException({
    ...address,
    originalError,
    message:
      `Redis at ${printAddress(address)} was not ready within ${options.startupTimeoutMs} ms (${reason}), ` +
      "and startup is 'require'. Start Redis, correct the address, or use 'wait' or 'background'.",
  });
}

function translate(error: Error, options: ResolvedRedisOptions): RedisException | undefined {
  const { name: connection, addresses, connectTimeoutMs: timeoutMs } = options;
  return translateError(error, { connection, address: addresses[0], timeoutMs });
}
