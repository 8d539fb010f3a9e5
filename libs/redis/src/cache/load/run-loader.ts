import { RedisLoadTimeoutException } from '../../errors/redis-load-timeout.exception.js';
import { parseDuration } from '../../time/duration.js';
import { untilAbort } from '../../time/until-abort.js';
import type { CacheAnnouncer } from '../cache-announcer.js';
import type { LoadContext } from '../cache-options.js';
import type { Dependencies, Dependency } from '../entry/dependencies.js';
import { hasGaps } from '../entry/writers.js';
import type { Lease } from './lease.js';
import type { LoaderResult, LoadRequest } from './load-request.js';
import { NotCached } from './load-tracing.js';
import { bodyOf, kindOf } from './values.js';

/** The questions that a loader may ask Redis while it runs. */
type RedisOfLoader = Pick<Lease, 'capture' | 'readContent'>;

/** The versions of dependencies by label, to which a loader adds. */
type Captured = Map<string, string | null>;

/**
 * Calls loaders: twice where a loader finds out only by reading what else its value depends on.
 *
 * @internal
 */
export class LoaderRunner {
  readonly #dependencies: Dependencies;
  readonly #announcer: CacheAnnouncer;

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
    abort: AbortController,
  ): Promise<LoaderResult> {
    const { keys, policy, serializer } = request;
    const startedAt = performance.now();
    try {
      const { value, call } = await withinTime(request, abort, () =>
        this.#callUpToTwice(request, redis, captured, abort.signal),
      );
      const kind = kindOf(value);
      const body = bodyOf(value, keys.entry, serializer);
      const ttlMs = kind === 'v' ? (call.ttlMs ?? policy.ttlMs) : policy.negativeTtlMs;
      const isComplete = call.late.length === 0 && call.isCaptured && !hasGaps(captured);
      const isCached = isComplete && !call.isSkipped && ttlMs > 0;
      const durationMs = performance.now() - startedAt;
      return { kind, body, ttlMs: isCached ? ttlMs : undefined, durationMs, isComplete };
    } catch (error) {
      const durationMs = performance.now() - startedAt;
      const what =
        error instanceof NotCached
          ? ({ outcome: 'skipped' } as const)
          : ({ outcome: 'failed', error } as const);
      this.#announcer.announce('cache.load', { key: keys.entry, durationMs, ...what });
      throw error;
    }
  }

  async #callUpToTwice(
    request: LoadRequest,
    redis: RedisOfLoader,
    captured: Captured,
    signal: AbortSignal,
  ) {
    const callLoader = async () => {
      const call = new LoaderCall(signal, redis, this.#dependencies, captured);
      const value: unknown = await request.loader(call);
      signal.throwIfAborted(); // a value that comes too late is neither cached nor loaded again
      return { value, call };
    };
    const first = await callLoader();
    const { late, isSkipped } = first.call;
    if (late.length === 0 || isSkipped) return first;
    const versions = await redis.capture(late);
    if (!versions || hasGaps(versions)) return first;
    for (const [label, version] of versions) captured.set(label, version);
    return callLoader();
  }
}

async function withinTime<R>(
  { keys, policy }: LoadRequest,
  abort: AbortController,
  work: () => Promise<R>,
): Promise<R> {
  abort.signal.throwIfAborted();
  const { loadTimeoutMs: timeoutMs } = policy;
  const timer = setTimeout(() => {
    const facts = { key: keys.entry, timeoutMs, waitedFor: 'loader' } as const;
    abort.abort(new RedisLoadTimeoutException(facts));
  }, timeoutMs);
  try {
    return await untilAbort(work(), abort.signal);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * One call of a loader: its context, and what the loader has said through it.
 *
 * @internal
 */
export class LoaderCall implements LoadContext {
  readonly signal: AbortSignal;
  readonly #redis: RedisOfLoader;
  readonly #dependencies: Dependencies;
  /** Everything the value depends on, as it was before it was read. */
  readonly #captured: Captured;
  readonly #late = new Map<string, Dependency>();
  #ttlMs: number | undefined;
  #isSkipped = false;
  /** How many of the dependencies named in time were not captured: not yet, or not at all. */
  #uncaptured = 0;

  constructor(
    signal: AbortSignal,
    redis: RedisOfLoader,
    dependencies: Dependencies,
    captured: Captured,
  ) {
    this.signal = signal;
    this.#redis = redis;
    this.#dependencies = dependencies;
    this.#captured = captured;
  }

  /** The dependencies that were named only after they had been read. */
  get late(): readonly Dependency[] {
    return [...this.#late.values()];
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
  readonly dependOn: LoadContext['dependOn'] = async ({ tags, keys }) => {
    const named = this.#dependencies.all({ tags, dependsOn: keys });
    const unknown = named.filter(({ label }) => !this.#captured.has(label));
    if (unknown.length === 0) return;
    this.#uncaptured++;
    const versions = await this.#redis.capture(unknown);
    if (!versions) return;
    this.#uncaptured--;
    for (const [label, version] of versions) this.#take(label, version);
  };

  readonly read: LoadContext['read'] = async (key) => {
    const { text, version } = await this.#redis.readContent(key);
    this.#take(this.#dependencies.on(key).label, version);
    return text;
  };

  readonly addTags: LoadContext['addTags'] = (...tags) => {
    for (const tag of this.#dependencies.all({ tags })) {
      if (!this.#captured.has(tag.label)) this.#late.set(tag.label, tag);
    }
  };

  readonly setTtl: LoadContext['setTtl'] = (ttl) => {
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
