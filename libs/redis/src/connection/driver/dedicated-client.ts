import type { Command } from 'ioredis';
import { withDeadline } from '../../time/deadline.js';
import type { RedisClient } from '../options/options.js';
import type { Stage } from './commands/stages.js';
import type { DrivenClient } from './driven-client.js';

/** Commands that change what the next user of a connection would find. UNWATCH undoes WATCH. */
const SESSION_COMMANDS = new Set([
  'auth',
  'client',
  'hello',
  'monitor',
  'readonly',
  'readwrite',
  'reset',
  'select',
]);

/**
 * A client that one caller at a time uses alone. Knows whether a caller leaves it as it was.
 *
 * @internal
 */
export class DedicatedClient {
  readonly driven: DrivenClient;
  readonly client: RedisClient;
  #ownListeners = 0;
  #connecting: Promise<unknown> = Promise.resolve();
  #unanswered = 0;
  #sessionChanged = false;

  constructor(driven: DrivenClient) {
    const { client } = driven;
    this.driven = driven;
    this.client = client;
  }

  /** Notes what a caller does to the session, and how many commands are not answered. The outermost stage. */
  readonly watchSession: Stage = (next) => {
    const counted = new WeakSet<Command>();
    return (command, pipeline, node) => {
      // What ioredis sends to set a connection up, it sends before the connection is ready.
      if (this.#isReady && SESSION_COMMANDS.has(command.name.toLowerCase())) {
        this.#sessionChanged = true;
      }
      if (!counted.has(command)) {
        counted.add(command);
        this.#unanswered++;
        const answered = () => {
          this.#unanswered--;
        };
        command.promise.then(answered, answered);
      }
      return next(command, pipeline, node);
    };
  };

  get #isReady(): boolean {
    return this.client.status === 'ready';
  }

  /** Begins to connect. Commands report what is wrong. */
  connect(): void {
    this.#ownListeners = listenersOf(this.client);
    this.#connecting = this.client.connect();
    this.#connecting.catch(() => undefined);
  }

  /**
   * Waits until commands can be sent, where ioredis is told not to keep them until then
   * (`enableOfflineQueue: false`); everywhere else they may wait for the connection themselves.
   *
   * @param onLate makes the error for a connection that is not ready after `timeoutMs`
   * @throws the driver's error if the first attempt to connect fails
   */
  async takesCommands(timeoutMs: number, onLate: () => Error): Promise<void> {
    const { client } = this;
    if (client.options.enableOfflineQueue !== false || this.#isReady) return;
    let onReady: () => void = () => undefined;
    const ready = new Promise<unknown>((resolve) => {
      onReady = () => {
        resolve(undefined);
      };
      client.once('ready', onReady);
    });
    try {
      // A client of a cluster has connected before it is ready.
      const connected = this.#connecting.then(() => (this.#isReady ? undefined : ready));
      await withDeadline<unknown>(connected, timeoutMs, () => {
        throw onLate();
      });
    } finally {
      client.off('ready', onReady);
    }
  }

  /**
   * Whether the next caller may have it: connected, its session as it was, outside MULTI (where
   * UNWATCH would not answer OK) and subscriber mode, nothing unanswered, and no listener left behind
   * beside our own. A client of a cluster is never reused. One round trip.
   */
  async isClean(): Promise<boolean> {
    const { client } = this;
    if (client.status !== 'ready' || 'nodes' in client || client.mode !== 'normal') return false;
    if (this.#sessionChanged || this.#unanswered > 0) return false;
    if (listenersOf(client) !== this.#ownListeners) return false;
    try {
      return ((await client.unwatch()) as string) === 'OK';
    } catch {
      return false;
    }
  }
}

function listenersOf(client: RedisClient): number {
  return client.eventNames().reduce((count, event) => count + client.listenerCount(event), 0);
}
