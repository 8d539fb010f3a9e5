import { Tracing } from '../../telemetry/tracing.js';

/**
 * Thrown by a loader whose value is for its own caller only. Not a failure.
 *
 * @internal
 */
export class NotCached extends Error {}

/**
 * The fate of a loaded value, as in the event `cache.load`; `undefined` where no caller waits for
 * Redis long enough to know.
 */
export type FillOutcome = 'filled' | 'lost' | 'skipped' | undefined;

const OUTCOME = 'redis.cache.outcome';

/**
 * Traces the loads of one cache. Spans carry its name, and no key: a part of a key may be an e-mail
 * address.
 *
 * @internal
 */
export class LoadTracing {
  readonly #facts: { readonly 'redis.cache.name': string };
  readonly #tracing: Tracing;

  constructor(cache: string, tracing: Tracing = new Tracing()) {
    this.#facts = { 'redis.cache.name': cache };
    this.#tracing = tracing;
  }

  /** Traces a loader and the fill that follows. What they send and ask for is inside of the span. */
  async load<T>(work: () => Promise<{ value: T; outcome: FillOutcome }>): Promise<T> {
    if (!this.#tracing.isTraced) return (await work()).value;
    const loaded = await this.#tracing.run('redis.cache.load', this.#facts, async (describe) => {
      try {
        const { value, outcome } = await work();
        if (outcome) describe({ [OUTCOME]: outcome });
        return { value };
      } catch (error) {
        const isFailure = !(error instanceof NotCached);
        describe({ [OUTCOME]: isFailure ? 'failed' : 'skipped' });
        if (isFailure) throw error;
        return { notCached: error };
      }
    });
    if (loaded.notCached) throw loaded.notCached;
    return loaded.value;
  }

  /** Traces the wait for the loader of another process. */
  leaseWait<T>(work: () => Promise<T>): Promise<T> {
    return this.#tracing.run('redis.cache.lease_wait', this.#facts, work);
  }

  /** Runs work that no caller waits for: its spans are linked to the active one, and no part of it. */
  aside(work: () => void): void {
    this.#tracing.runAside(work);
  }
}
