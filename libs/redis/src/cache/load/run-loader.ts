import { RedisLoadTimeoutException } from '../../errors/redis-load-timeout.exception.js';
import type { CacheParts, LoadRequest } from './load-request.js';
import type { EntryKind } from '../entry/envelope.js';
import { hasGaps } from '../entry/writers.js';
import { bodyOf, kindOf } from './values.js';
import { NotCached } from './not-cached.js';
import { LoadRun, type LoadSource } from './load-run.js';
import { untilAbort } from '../../time/until-abort.js';

/** What a loader has made. */
export interface LoadedValue {
  readonly kind: EntryKind;
  readonly body: Buffer;
  /** How long it is fresh; `undefined` if it is not to be cached. */
  readonly ttlMs: number | undefined;
  readonly durationMs: number;
  /** Whether everything that it depends on was captured before it was read, and was not being changed. */
  readonly isComplete: boolean;
}

/**
 * Calls a loader: twice where it finds out only by reading what else the value depends on.
 *
 * @internal
 */
export class Load {
  readonly #parts: CacheParts;
  readonly #request: LoadRequest;
  readonly #abort: AbortController;

  constructor(parts: CacheParts, request: LoadRequest, abort: AbortController) {
    this.#parts = parts;
    this.#request = request;
    this.#abort = abort;
  }

  /**
   * @param captured the versions that were captured so far; what the loader names is added
   * @throws what the loader throws; RedisLoadTimeoutException after `loadTimeout`; the reason of the abort
   */
  async run(captured: Map<string, string | null>, source: LoadSource): Promise<LoadedValue> {
    const { keys, policy, serializer } = this.#request;
    const startedAt = performance.now();
    try {
      const { value, run } = await this.#withinTime(() => this.#calls(captured, source));
      const kind = kindOf(value);
      const body = bodyOf(value, keys.entry, serializer);
      const ttlMs = kind === 'v' ? (run.ttlMs ?? policy.ttlMs) : policy.negativeTtlMs;
      const isComplete = run.late.length === 0 && run.isCaptured && !hasGaps(captured);
      const isCached = isComplete && !run.isSkipped && ttlMs > 0;
      const durationMs = performance.now() - startedAt;
      return { kind, body, ttlMs: isCached ? ttlMs : undefined, durationMs, isComplete };
    } catch (error) {
      const durationMs = performance.now() - startedAt;
      const what =
        error instanceof NotCached
          ? ({ outcome: 'skipped' } as const)
          : ({ outcome: 'failed', error } as const);
      this.#parts.announcer.announce('cache.load', { key: keys.entry, durationMs, ...what });
      throw error;
    }
  }

  async #calls(captured: Map<string, string | null>, source: LoadSource) {
    const first = await this.#call(captured, source);
    const { late } = first.run;
    if (late.length === 0 || first.run.isSkipped) return first;
    const versions = await source.capture(late);
    if (!versions || hasGaps(versions)) return first;
    for (const [label, version] of versions) captured.set(label, version);
    return this.#call(captured, source);
  }

  async #call(captured: Map<string, string | null>, source: LoadSource) {
    const { signal } = this.#abort;
    const run = new LoadRun(signal, source, this.#parts.dependencies, captured);
    const value: unknown = await this.#request.loader(run);
    signal.throwIfAborted(); // what comes too late is not to be repeated, nor cached
    return { value, run };
  }

  async #withinTime<R>(work: () => Promise<R>): Promise<R> {
    const { signal } = this.#abort;
    signal.throwIfAborted();
    const timeoutMs = this.#request.policy.loadTimeoutMs;
    const key = this.#request.keys.entry;
    const timer = setTimeout(() => {
      const waitedFor = 'loader';
      this.#abort.abort(new RedisLoadTimeoutException({ key, timeoutMs, waitedFor }));
    }, timeoutMs);
    try {
      return await untilAbort(work(), signal);
    } finally {
      clearTimeout(timer);
    }
  }
}
