/** The attributes of a span. They never contain a key, a secret or a stored value. */
export type SpanFacts = Readonly<Record<string, string>>;

/** Adds attributes to the span of the running work. */
export type Describe = (facts: SpanFacts) => void;

/** Makes spans for work, e.g. those of OpenTelemetry. */
export interface Tracer {
  /** Runs the work in a new span, which is active until the work ends and records its failure. */
  run<T>(name: string, facts: SpanFacts, work: (describe: Describe) => Promise<T>): Promise<T>;

  /**
   * Runs work that may outlive its caller: its spans are not children of the active span, but linked to
   * it.
   */
  runAside<T>(work: () => T): T;
}

/**
 * Passes the work of one application to its tracer; without a tracer it just runs the work.
 *
 * @internal
 */
export class Tracing implements Tracer {
  #tracer: Tracer | undefined;

  /** @returns a function that removes the tracer */
  traceWith(tracer: Tracer): () => void {
    this.#tracer = tracer;
    return () => {
      if (this.#tracer === tracer) this.#tracer = undefined;
    };
  }

  /** Whether there is a tracer. */
  get isTraced(): boolean {
    return this.#tracer !== undefined;
  }

  run<T>(name: string, facts: SpanFacts, work: (describe: Describe) => Promise<T>): Promise<T> {
    return this.#tracer ? this.#tracer.run(name, facts, work) : work(ignoreAttributes);
  }

  runAside<T>(work: () => T): T {
    return this.#tracer ? this.#tracer.runAside(work) : work();
  }
}

const ignoreAttributes: Describe = () => undefined;
