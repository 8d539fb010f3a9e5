import { withDeadline } from '../time/deadline.js';
import type { RedisClient } from './options.js';

/**
 * Waits for the replies that are on their way, then closes. Never throws; takes no longer than the
 * deadline, and no time at all when there is no connection.
 *
 * @internal
 */
export async function closeClient(client: RedisClient, deadlineMs: number): Promise<void> {
  if (client.status === 'ready') {
    const quit = client.quit().then(
      () => undefined,
      () => undefined, // closed before it could answer: that is what we wanted
    );
    await withDeadline(quit, deadlineMs, () => undefined);
  }
  client.disconnect();
}
