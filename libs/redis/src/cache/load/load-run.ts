import { parseDuration } from '../../time/duration.js';
import type { LoadContext } from '../cache-options.js';
import type { Dependencies, Dependency } from '../entry/dependencies.js';
import type { Versions } from '../entry/envelope.js';

/** How a load gets at Redis; `undefined` where there is none to be asked. */
export interface LoadSource {
  /** @returns the versions that were captured; `undefined` if that failed */
  capture(dependencies: readonly Dependency[]): Promise<Versions | undefined>;
  /** @throws RedisException what Redis failed with */
  readContent(key: string): Promise<{ text: string | null; version: string }>;
}

/**
 * One call of a loader: what it is told, and what it has said.
 *
 * @internal
 */
export class LoadRun implements LoadContext {
  readonly signal: AbortSignal;
  readonly #source: LoadSource;
  readonly #dependencies: Dependencies;
  /** Everything the value depends on, as it was before it was read. */
  readonly #captured: Map<string, string | null>;
  readonly #late = new Map<string, Dependency>();
  #ttlMs: number | undefined;
  #isSkipped = false;
  /** How much of what it named in time was not captured: not yet, or not at all. */
  #uncaptured = 0;

  constructor(
    signal: AbortSignal,
    source: LoadSource,
    dependencies: Dependencies,
    captured: Map<string, string | null>,
  ) {
    this.signal = signal;
    this.#source = source;
    this.#dependencies = dependencies;
    this.#captured = captured;
  }

  /** What was only named after it had been read. */
  get late(): readonly Dependency[] {
    return [...this.#late.values()];
  }

  get ttlMs(): number | undefined {
    return this.#ttlMs;
  }

  /** Whether everything that it named in time was captured. */
  get isCaptured(): boolean {
    return this.#uncaptured === 0;
  }

  /** Whether the value is to be kept out of the cache. */
  get isSkipped(): boolean {
    return this.#isSkipped;
  }

  // Bound, because loaders take their context apart.
  readonly dependOn: LoadContext['dependOn'] = async ({ tags, keys }) => {
    const named = this.#dependencies.all({ tags, dependsOn: keys });
    const unknown = named.filter(({ label }) => !this.#captured.has(label));
    if (unknown.length === 0) return;
    this.#uncaptured++;
    const versions = await this.#source.capture(unknown);
    if (!versions) return;
    this.#uncaptured--;
    for (const [label, version] of versions) this.#take(label, version);
  };

  readonly read: LoadContext['read'] = async (key) => {
    const { text, version } = await this.#source.readContent(key);
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

  /** What is read twice has to be the same both times, or the value is made of two states. */
  #take(label: string, version: string | null): void {
    const known = this.#captured.get(label);
    if (known !== undefined && known !== version) this.#uncaptured++;
    else this.#captured.set(label, version);
  }
}
