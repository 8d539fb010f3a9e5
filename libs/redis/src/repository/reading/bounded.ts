import type { RedisClient } from '../../connection/options/options.js';
import { connectionOf } from '../../connection/connection.js';
import { withDeadline } from '../../time/deadline.js';
import { parseTimeout } from '../../time/duration.js';
import { untilAbort } from '../../time/until-abort.js';
import type { ReadOptions } from '../entity-repository.js';

/**
 * Waits for a read as long as this caller wants to. The read itself goes on: others may share it.
 *
 * @throws RedisTimeoutException after `timeout`; the signal's reason once it aborts
 * @throws RedisConfigurationException for a `timeout` that no timer can keep
 */
export async function bounded<T>(
  client: RedisClient,
  read: () => Promise<T>,
  { signal, timeout }: ReadOptions,
  operation: string,
  keyOf: () => string,
): Promise<T> {
  signal?.throwIfAborted();
  const timeoutMs = timeout === undefined ? undefined : parseTimeout(timeout, 'timeout');
  const wait = untilAbort(read(), signal);
  if (timeoutMs === undefined) return wait;
  return withDeadline(wait, timeoutMs, () => {
    throw connectionOf(client).lateException({ operation, key: keyOf(), timeoutMs });
  });
}
