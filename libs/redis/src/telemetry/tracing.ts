/** What a span says about itself; never a key, a secret or a stored value. */
export type SpanFacts = Readonly<Record<string, string>>;

/** Adds to what the span of a piece of work says. */
export type Describe = (facts: SpanFacts) => void;

/** Something that follows work from one place to another, OpenTelemetry for one. */
export interface Tracer {
  /** Runs the work in a span of its own, which is the active one meanwhile and fails with the work. */
  run<T>(name: string, facts: SpanFacts, work: (describe: Describe) => Promise<T>): Promise<T>;

  /**
   * Runs what may last longer than whoever caused it: its spans are no children of the active span,
   * but linked to it.
   */
  runAside<T>(work: () => T): T;
}

/**
 * Where one application's work is traced, if anywhere: without a tracer the work just runs.
 *
 * @internal
 */
export class Tracing implements Tracer {
  #tracer: Tracer | undefined;

  /** @returns a function that ends it */
  traceWith(tracer: Tracer): () => void {
    this.#tracer = tracer;
    return () => {
      if (this.#tracer === tracer) this.#tracer = undefined;
    };
  }

  run<T>(name: string, facts: SpanFacts, work: (describe: Describe) => Promise<T>): Promise<T> {
    return this.#tracer ? this.#tracer.run(name, facts, work) : work(nobodyListens);
  }

  runAside<T>(work: () => T): T {
    return this.#tracer ? this.#tracer.runAside(work) : work();
  }
}

const nobodyListens: Describe = () => undefined;
