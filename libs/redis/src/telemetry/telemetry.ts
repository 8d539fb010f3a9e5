/**
 * @module telemetry What the library announces, typed; nothing about where it goes. Logs and metrics
 * subscribe.
 */

/** Something worth telling an operator. Never carries a secret or a stored value. */
export type RedisEvent =
  | {
      readonly type: 'connection.ready';
      readonly connection: string;
      /** Where it is connected to, e.g. `localhost:6379`. */
      readonly endpoint: string;
      /** Whether it had been announced as down before. */
      readonly restored: boolean;
    }
  | {
      readonly type: 'connection.down';
      readonly connection: string;
      readonly endpoint: string;
      /** What the driver reported; absent when the server just closed the connection. */
      readonly error?: Error;
    };

export type RedisEventListener = (event: RedisEvent) => void;

/**
 * The one event stream of an application.
 *
 * @internal
 */
export class Telemetry {
  readonly #listeners = new Set<RedisEventListener>();

  /** @returns a function that ends the subscription */
  subscribe(listener: RedisEventListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  announce(event: RedisEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}
