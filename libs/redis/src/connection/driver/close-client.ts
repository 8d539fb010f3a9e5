import { withDeadline } from '../../time/deadline.js';
import type { RedisClient } from '../options/options.js';

/** How long a socket may take to be gone once it was closed or destroyed. */
const GONE_MS = 500;

const closing = new WeakSet<RedisClient>();

/** Whether we have begun to close it: what is interrupted by that is no outage. */
export function isClosing(client: RedisClient): boolean {
  return closing.has(client);
}

/**
 * Waits for the replies that are on their way, at most until the deadline, then closes, and returns
 * when the socket is gone. Never throws, and takes no time when there is no connection.
 *
 * @internal
 */
export async function closeClient(client: RedisClient, deadlineMs: number): Promise<void> {
  if (client.status === 'end') return;
  closing.add(client);
  const ended = new Promise<void>((resolve) => client.once('end', resolve));
  if (client.status === 'ready') {
    client.quit().catch(() => undefined); // closed before it could answer: that is what we wanted
    await withDeadline(ended, deadlineMs, () => undefined);
  }
  dropClient(client);
  await withDeadline(ended, GONE_MS, () => undefined);
}

/**
 * Closes without waiting for anything.
 *
 * @internal
 */
export function dropClient(client: RedisClient): void {
  if (hasEnded(client)) return; // ioredis would start a timer, and the process would wait for it
  // Between two attempts ioredis has nothing to close: it would not end, nor reject what waits in its
  // queue. An attempt that is broken off at once makes it do both.
  if (client.status === 'reconnecting') client.connect().catch(() => undefined);
  client.disconnect();
}

function hasEnded(client: RedisClient): boolean {
  return client.status === 'end';
}
