/**
 * @module telemetry What the library announces, typed; nothing about where it goes. Logs and metrics
 * subscribe.
 */
import type { CacheEvent } from './cache.events.js';
import type { ConnectionEvent } from './connection.events.js';
import { Tracing } from './tracing.js';

/** Something worth telling an operator. Never carries a secret or a stored value. */
export type RedisEvent = ConnectionEvent | CacheEvent;

export type RedisEventType = RedisEvent['type'];

/** The event of a type. */
export type RedisEventOf<Type extends RedisEventType> = Extract<RedisEvent, { type: Type }>;

/** What to do about each type of event that one wants to hear of. */
export type RedisEventHandlers = {
  readonly [Type in RedisEventType]?: (event: RedisEventOf<Type>) => void;
};

/**
 * The one event stream of an application.
 *
 * @internal
 */
export class Telemetry {
  readonly tracing = new Tracing();
  readonly #handlers = new Map<RedisEventType, Set<(event: never) => void>>();

  /** @returns a function that ends the subscription */
  subscribe(handlers: RedisEventHandlers): () => void {
    const entries = Object.entries(handlers) as [RedisEventType, (event: never) => void][];
    for (const [type, handler] of entries) {
      const others = this.#handlers.get(type);
      if (others) others.add(handler);
      else this.#handlers.set(type, new Set([handler]));
    }
    return () => {
      for (const [type, handler] of entries) this.#handlers.get(type)?.delete(handler);
    };
  }

  /** Whether anybody wants to hear of it: what happens often is only put into words if so. */
  hears(type: RedisEventType): boolean {
    const handlers = this.#handlers.get(type);
    return handlers !== undefined && handlers.size > 0;
  }

  announce<Type extends RedisEventType>(event: RedisEventOf<Type>): void {
    const handlers = this.#handlers.get(event.type);
    if (!handlers) return;
    for (const handler of handlers as Set<(event: RedisEventOf<Type>) => void>) handler(event);
  }
}
