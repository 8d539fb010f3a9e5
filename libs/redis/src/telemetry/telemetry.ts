/**
 * @module telemetry The typed events of the library. Logs and metrics subscribe to them.
 */
import type { CacheEvent } from './cache.events.js';
import type { CommandEvent } from './command.events.js';
import type { ConnectionEvent } from './connection.events.js';
import type { NearEvent } from './near.events.js';
import type { OperationEvent } from './operation.events.js';
import type { PoolEvent } from './pool.events.js';
import { Tracing } from './tracing.js';
import { warnOf } from './warn-of.js';

/** An event for operators. It never contains a secret or a stored value. */
export type RedisEvent =
  CommandEvent | ConnectionEvent | PoolEvent | OperationEvent | CacheEvent | NearEvent;

export type RedisEventType = RedisEvent['type'];

/** The event of a type. */
export type RedisEventOf<Type extends RedisEventType> = Extract<RedisEvent, { type: Type }>;

/** The handlers of a subscription, by the type of event. */
export type RedisEventHandlers = {
  readonly [Type in RedisEventType]?: (event: RedisEventOf<Type>) => void;
};

type Handler<Type extends RedisEventType> = (event: RedisEventOf<Type>) => void;

/**
 * Passes the events of one application to its subscribers. A handler that throws disturbs neither the other
 * handlers nor the announced work: its error becomes a warning of the Node process.
 *
 * @internal
 */
export class Telemetry {
  readonly tracing = new Tracing();
  /** Each array is replaced, never changed: a running announcement keeps the one that it has found. */
  readonly #handlers = new Map<RedisEventType, readonly Handler<never>[]>();

  /** @returns a function that ends the subscription; a second call does nothing */
  subscribe(handlers: RedisEventHandlers): () => void {
    const entries = Object.entries(handlers) as [RedisEventType, Handler<never>][];
    for (const [type, handler] of entries) {
      this.#handlers.set(type, [...this.#handlersOf(type), handler]);
    }
    return () => {
      for (const [type, handler] of entries.splice(0)) {
        const others = [...this.#handlersOf(type)];
        others.splice(others.indexOf(handler), 1); // another subscription may have the same handler
        if (others.length > 0) this.#handlers.set(type, others);
        else this.#handlers.delete(type);
      }
    };
  }

  /** Tells whether this type has a handler. Frequent events are only made if it has. */
  hears(type: RedisEventType): boolean {
    return this.#handlers.has(type);
  }

  announce<Type extends RedisEventType>(event: RedisEventOf<Type>): void {
    const handlers = this.#handlersOf(event.type) as readonly unknown[];
    for (const handler of handlers as readonly Handler<Type>[]) {
      try {
        handler(event);
      } catch (error) {
        warnOf('A listener to Redis telemetry', error);
      }
    }
  }

  #handlersOf(type: RedisEventType): readonly Handler<never>[] {
    return this.#handlers.get(type) ?? NO_HANDLERS;
  }
}

const NO_HANDLERS: readonly never[] = [];
