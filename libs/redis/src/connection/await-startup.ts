import type { RedisException } from '../errors/redis.exception.js';
import { RedisAuthenticationException } from '../errors/redis-authentication.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import { withDeadline } from '../time/deadline.js';
import type { RedisClient, ResolvedRedisOptions } from './options.js';
import { translateError } from './translate-error.js';

/**
 * Holds the boot as the startup policy says. The client is already connecting.
 *
 * @throws RedisConnectionException when Redis is not ready in time and the policy is `require`
 * @throws RedisAuthenticationException when Redis refuses the credentials
 * @internal
 */
export async function awaitStartup(
  client: RedisClient,
  options: ResolvedRedisOptions,
): Promise<void> {
  if (options.startup === 'background') return;
  const { startupTimeoutMs, startup, addresses } = options;
  let lastError: unknown;
  let stopListening = (): void => undefined;

  const ready = new Promise<void>((resolve, reject) => {
    const onError = (error: Error) => {
      lastError = error;
      const exception = translate(error, options);
      if (exception instanceof RedisAuthenticationException) reject(exception);
    };
    client.on('ready', resolve).on('error', onError);
    stopListening = () => client.off('ready', resolve).off('error', onError);
  });
  try {
    await withDeadline(ready, startupTimeoutMs, () => {
      if (startup === 'wait') return;
      const [{ host, port }] = addresses;
      throw new RedisConnectionException({
        host,
        port,
        originalError: lastError,
        message:
          `Redis at ${host}:${port} was not ready within ${startupTimeoutMs} ms ` +
          `(${lastError instanceof Error ? lastError.message : 'no answer'}), and startup is ` +
          "'require'. Start Redis, correct the address, or use 'wait' or 'background'.",
      });
    });
  } finally {
    stopListening();
  }
}

function translate(error: Error, options: ResolvedRedisOptions): RedisException | undefined {
  const { name: connection, addresses, connectTimeoutMs: timeoutMs } = options;
  return translateError(error, { connection, address: addresses[0], timeoutMs });
}
