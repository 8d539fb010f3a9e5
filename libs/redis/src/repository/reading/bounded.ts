import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';
import { withDeadline } from '../../time/deadline.js';
import { parseDuration } from '../../time/duration.js';
import type { ReadOptions } from '../entity-repository.js';

/**
 * Waits for a read as long as this caller wants to. The read itself goes on: others may share it.
 *
 * @throws RedisTimeoutException after `timeout`; the signal's reason once it aborts
 */
export async function bounded<T>(
  read: () => Promise<T>,
  { signal, timeout }: ReadOptions,
  operation: string,
  keyOf: () => string,
): Promise<T> {
  signal?.throwIfAborted();
  const timeoutMs = timeout === undefined ? undefined : parseDuration(timeout, 'timeout');
  const aborted = signal && abortionOf(signal);
  const wait = aborted ? Promise.race([read(), aborted.promise]) : read();
  try {
    if (timeoutMs === undefined) return await wait;
    return await withDeadline(wait, timeoutMs, () => {
      throw new RedisTimeoutException({ operation, key: keyOf(), timeoutMs });
    });
  } finally {
    aborted?.forget();
  }
}

/** A promise that rejects when the signal aborts, and can be told that nobody waits any more. */
function abortionOf(signal: AbortSignal): { promise: Promise<never>; forget: () => void } {
  let onAbort: () => void;
  const promise = new Promise<never>((_, reject) => {
    onAbort = () => {
      reject(signal.reason as Error);
    };
    signal.addEventListener('abort', onAbort, { once: true });
  });
  promise.catch(() => undefined); // after a timeout nobody listens
  return {
    promise,
    forget: () => {
      signal.removeEventListener('abort', onAbort);
    },
  };
}
