import type { OperationEvent } from './operation.events.js';
import type { Telemetry } from './telemetry.js';

/** A part of the library that does something for its caller: the facts of all its operations. */
export type Operator = OperationEvent extends infer Event
  ? Event extends OperationEvent
    ? Omit<Event, 'connection' | 'operation' | 'durationMs' | 'error'>
    : never
  : never;

/**
 * Announces the operations of one part of the library on one connection.
 *
 * @internal
 */
export class Operations {
  readonly #operator: Operator;
  readonly #connection: string;
  readonly #telemetry: Telemetry;

  constructor(operator: Operator, connection: string, telemetry: Telemetry) {
    this.#operator = operator;
    this.#connection = connection;
    this.#telemetry = telemetry;
  }

  /** Does the work. Without a listener this costs no more than the call. */
  run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#telemetry.hears(this.#operator.type) ? this.#announce(operation, work) : work();
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
    const connection = this.#connection;
    const durationMs = performance.now() - start;
    this.#telemetry.announce({ ...this.#operator, connection, operation, durationMs, ...outcome });
  }
}
