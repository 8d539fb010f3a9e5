/**
 * @module telemetry What the library announces, typed; nothing about where it goes. Logs and metrics
 * subscribe.
 */
import type { CacheEvent } from './cache.events.js';
import type { CommandEvent } from './command.events.js';
import type { ConnectionEvent } from './connection.events.js';
import type { OperationEvent } from './operation.events.js';
import type { PoolEvent } from './pool.events.js';
import { Tracing } from './tracing.js';
import { warnOf } from './warn-of.js';

/** Something worth telling an operator. Never carries a secret or a stored value. */
export type RedisEvent = CommandEvent | ConnectionEvent | PoolEvent | OperationEvent | CacheEvent;

export type RedisEventType = RedisEvent['type'];

/** The event of a type. */
export type RedisEventOf<Type extends RedisEventType> = Extract<RedisEvent, { type: Type }>;

/** What to do about each type of event that one wants to hear of. */
export type RedisEventHandlers = {
  readonly [Type in RedisEventType]?: (event: RedisEventOf<Type>) => void;
};

type Handler<Type extends RedisEventType> = (event: RedisEventOf<Type>) => void;

/**
 * The one event stream of an application. A handler that throws disturbs neither the others nor what
 * was announced: Node is told of it as a warning.
 *
 * @internal
 */
export class Telemetry {
  readonly tracing = new Tracing();
  /** Replaced, never changed: an announcement goes to whom it found. */
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
        others.splice(others.indexOf(handler), 1); // it may be there for others, too
        if (others.length > 0) this.#handlers.set(type, others);
        else this.#handlers.delete(type);
      }
    };
  }

  /** Whether anybody wants to hear of it: what happens often is only put into words if so. */
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
    return this.#handlers.get(type) ?? NOBODY;
  }
}

const NOBODY: readonly never[] = [];
