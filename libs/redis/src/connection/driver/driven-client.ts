import { withDeadline } from '../../time/deadline.js';
import type { RedisClient } from '../options/options.js';
import { ConnectionFailures } from './failures/connection-failures.js';

/** How long a socket may take to be gone once it was closed or destroyed. */
const GONE_MS = 500;

/**
 * A client of ioredis with what the driver knows of it: why it has no connection, and whether it closes.
 *
 * @internal
 */
export class DrivenClient {
  readonly client: RedisClient;
  readonly failures: ConnectionFailures;
  #isClosing = false;

  constructor(client: RedisClient) {
    this.client = client;
    this.failures = new ConnectionFailures(client);
  }

  /** Whether {@link close} has begun: an interruption after that is no outage. */
  get isClosing(): boolean {
    return this.#isClosing;
  }

  /**
   * Waits for the replies that are on their way, at most until the deadline, then closes, and returns
   * when the socket is gone. Never throws, and takes no time when there is no connection.
   */
  async close(deadlineMs: number): Promise<void> {
    const { client } = this;
    if (client.status === 'end') return;
    this.#isClosing = true;
    const ended = new Promise<void>((resolve) => client.once('end', resolve));
    if (client.status === 'ready') {
      client.quit().catch(() => undefined); // closed before it could answer: that is what we wanted
      await withDeadline(ended, deadlineMs, () => undefined);
    }
    this.drop();
    await withDeadline(ended, GONE_MS, () => undefined);
  }

  /** Closes without waiting for anything. */
  drop(): void {
    const { client } = this;
    if (this.#hasEnded) return; // ioredis would start a timer, and the process would wait for it
    // Between two attempts ioredis has nothing to close: it would not end, nor reject what waits in its
    // queue. An attempt that is broken off at once makes it do both.
    if (client.status === 'reconnecting') client.connect().catch(() => undefined);
    client.disconnect();
  }

  get #hasEnded(): boolean {
    return this.client.status === 'end';
  }
}
