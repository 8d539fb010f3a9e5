import type { OperationEvent } from '../telemetry/operation.events.js';
import { identityOf, type ClientIdentity } from './connection.js';
import type { RedisClient } from './options/options.js';

/** Who does something for its caller: all that is the same for each of its operations. */
type Operator = OperationEvent extends infer Event
  ? Event extends OperationEvent
    ? Omit<Event, 'connection' | 'operation' | 'durationMs' | 'error'>
    : never
  : never;

/**
 * Announces what a part of the library does for its callers through one client.
 *
 * @internal
 */
export class Operations {
  readonly #identity: ClientIdentity;
  readonly #operator: Operator;

  constructor(client: RedisClient, operator: Operator) {
    this.#identity = identityOf(client);
    this.#operator = operator;
  }

  /** Does it. Where nobody listens it costs no more than the call. */
  run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#identity.telemetry.hears(this.#operator.type)
      ? this.#announce(operation, work)
      : work();
  }

  async #announce<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      const result = await work();
      this.#end(operation, start);
      return result;
    } catch (error) {
      this.#end(operation, start, { error });
      throw error;
    }
  }

  #end(operation: string, start: number, outcome?: { error: unknown }): void {
    const { connection, telemetry } = this.#identity;
    const durationMs = performance.now() - start;
    telemetry.announce({ ...this.#operator, connection, operation, durationMs, ...outcome });
  }
}
