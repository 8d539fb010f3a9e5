import { RedisLoadTimeoutException } from '../../errors/redis-load-timeout.exception.js';
import { DeadlineSweeper, type Awaited } from '../../time/deadline-sweeper.js';
import { parseDuration } from '../../time/duration.js';
import type { CacheAnnouncer } from '../cache-announcer.js';
import type { Dependencies, Dependency } from '../entry/dependencies.js';
import { hasGaps } from '../entry/writers.js';
import type { Captured } from '../store/claims.js';
import type { Lease } from './lease.js';
import type { LoadAbort } from './load-abort.js';
import type { LoadCall, LoaderResult, LoadRequest } from './load-request.js';
import { NotCached } from './load-tracing.js';
import type { RunningLoad } from './running-load.js';
import { bodyOf, kindOf } from './values.js';

/** The questions that a loader may ask Redis while it runs. */
type RedisOfLoader = Pick<Lease, 'capture' | 'readContent'>;

/**
 * Calls loaders: twice where a loader finds out only by reading what else its value depends on.
 *
 * @internal
 */
export class LoaderRunner {
  readonly #dependencies: Dependencies;
  readonly #announcer: CacheAnnouncer;
  readonly #limits = new DeadlineSweeper<LoadLimit>(
    ({ isOver }) => isOver,
    (limit) => {
      limit.expire();
    },
  );

  constructor(dependencies: Dependencies, announcer: CacheAnnouncer) {
    this.#dependencies = dependencies;
    this.#announcer = announcer;
  }

  /**
   * @param captured the versions that were captured so far; what the loader names is added
   * @throws what the loader throws; RedisLoadTimeoutException after `loadTimeout`; the reason of the abort
   */
  async run(
    request: LoadRequest,
    redis: RedisOfLoader,
    captured: Captured,
    running: RunningLoad,
    abort: LoadAbort,
  ): Promise<LoaderResult> {
    const { keys, policy, serializer } = request;
    const limit = new LoadLimit(request, abort);
    try {
      abort.throwIfAborted();
      this.#limits.watch(limit, limit.startedAt);
      const { value, call } = await running.run(() =>
        abort.until(this.#callUpToTwice(request, redis, captured, abort)),
      );
      const kind = kindOf(value);
      const body = bodyOf(value, keys.entry, serializer);
      const ttlMs = kind === 'v' ? (call.ttlMs ?? policy.ttlMs) : policy.negativeTtlMs;
      const isComplete = !call.isLate && call.isCaptured && !hasGaps(captured);
      const isCached = isComplete && !call.isSkipped && ttlMs > 0;
      const { durationMs } = limit;
      return { kind, body, ttlMs: isCached ? ttlMs : undefined, durationMs, isComplete };
    } catch (error) {
      const { durationMs } = limit;
      const what =
        error instanceof NotCached
          ? ({ outcome: 'skipped' } as const)
          : ({ outcome: 'failed', error } as const);
      this.#announcer.announce('cache.load', { key: keys.entry, durationMs, ...what });
      throw error;
    } finally {
      limit.end();
    }
  }

  async #callUpToTwice(
    request: LoadRequest,
    redis: RedisOfLoader,
    captured: Captured,
    abort: LoadAbort,
  ) {
    const call = new LoaderCall(abort, redis, this.#dependencies, captured);
    const value: unknown = await request.loader(call);
    abort.throwIfAborted(); // a value that comes too late is neither cached nor loaded again
    if (!call.isLate || call.isSkipped) return { value, call };
    const versions = await redis.capture(call.late);
    if (!versions || hasGaps(versions)) return { value, call };
    for (const [label, version] of versions) captured.set(label, version);
    const second = new LoaderCall(abort, redis, this.#dependencies, captured);
    const again: unknown = await request.loader(second);
    abort.throwIfAborted();
    return { value: again, call: second };
  }
}

/** The time that a load may take. */
class LoadLimit implements Awaited {
  readonly startedAt = performance.now();
  readonly deadline: number;
  readonly #request: LoadRequest;
  /** `undefined` once the load has ended. */
  #abort: LoadAbort | undefined;

  constructor(request: LoadRequest, abort: LoadAbort) {
    this.deadline = this.startedAt + request.policy.loadTimeoutMs;
    this.#request = request;
    this.#abort = abort;
  }

  get durationMs(): number {
    return performance.now() - this.startedAt;
  }

  get isOver(): boolean {
    return this.#abort === undefined;
  }

  end(): void {
    this.#abort = undefined;
  }

  expire(): void {
    const { keys, policy } = this.#request;
    const { loadTimeoutMs: timeoutMs } = policy;
    const facts = { key: keys.entry, timeoutMs, waitedFor: 'loader' } as const;
    this.#abort?.abort(new RedisLoadTimeoutException(facts));
  }
}

/**
 * One call of a loader: its context, and what the loader has said through it.
 *
 * @internal
 */
export class LoaderCall implements LoadCall {
  declare readonly signal: AbortSignal;
  readonly #abort: LoadAbort;
  readonly #redis: RedisOfLoader;
  readonly #dependencies: Dependencies;
  /** Everything the value depends on, as it was before it was read. */
  readonly #captured: Captured;
  #late: Map<string, Dependency> | undefined;
  #ttlMs: number | undefined;
  #isSkipped = false;
  /** How many of the dependencies named in time were not captured: not yet, or not at all. */
  #uncaptured = 0;

  constructor(
    abort: LoadAbort,
    redis: RedisOfLoader,
    dependencies: Dependencies,
    captured: Captured,
  ) {
    Object.defineProperty(this, 'signal', LoaderCall.#signal);
    this.#abort = abort;
    this.#redis = redis;
    this.#dependencies = dependencies;
    this.#captured = captured;
  }

  /** A property of its own, because loaders may copy their context. Made only where it is asked for. */
  static readonly #signal: PropertyDescriptor & ThisType<LoaderCall> = {
    enumerable: true,
    get() {
      return this.#abort.signal;
    },
  };

  get abort(): LoadAbort {
    return this.#abort;
  }

  /** The dependencies that were named only after they had been read. */
  get late(): readonly Dependency[] {
    return [...(this.#late?.values() ?? [])];
  }

  get isLate(): boolean {
    return this.#late !== undefined;
  }

  get ttlMs(): number | undefined {
    return this.#ttlMs;
  }

  /** Whether everything that was named in time was captured. */
  get isCaptured(): boolean {
    return this.#uncaptured === 0;
  }

  /** Whether the value is to be kept out of the cache. */
  get isSkipped(): boolean {
    return this.#isSkipped;
  }

  // Bound, because loaders destructure their context.
  readonly dependOn: LoadCall['dependOn'] = async ({ tags, keys }) => {
    const named = this.#dependencies.all({ tags, dependsOn: keys });
    const unknown = named.filter(({ label }) => !this.#captured.has(label));
    if (unknown.length === 0) return;
    this.#uncaptured++;
    const versions = await this.#redis.capture(unknown);
    if (!versions) return;
    this.#uncaptured--;
    for (const [label, version] of versions) this.#take(label, version);
  };

  readonly read: LoadCall['read'] = async (key) => {
    const { text, version } = await this.#redis.readContent(key);
    this.#take(this.#dependencies.on(key).label, version);
    return text;
  };

  readonly addTags: LoadCall['addTags'] = (...tags) => {
    for (const tag of this.#dependencies.all({ tags })) {
      if (!this.#captured.has(tag.label)) (this.#late ??= new Map()).set(tag.label, tag);
    }
  };

  readonly setTtl: LoadCall['setTtl'] = (ttl) => {
    this.#ttlMs = parseDuration(ttl, 'ttl');
  };

  readonly skipCache = (): void => {
    this.#isSkipped = true;
  };

  /** A dependency that is read twice must be the same both times, or the value mixes two states. */
  #take(label: string, version: string | null): void {
    const known = this.#captured.get(label);
    if (known !== undefined && known !== version) this.#uncaptured++;
    else this.#captured.set(label, version);
  }
}
