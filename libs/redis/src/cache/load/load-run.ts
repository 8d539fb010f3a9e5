import type { KeyPart } from '../../keys/key-encoding.js';
import { parseDuration, type Duration } from '../../time/duration.js';
import type { CacheDependency, LoadContext } from '../cache-options.js';
import type { Dependencies, Dependency } from '../entry/dependency.js';
import type { Versions } from '../entry/versions.js';

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
  #isCaptured = true;

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
    return this.#isCaptured;
  }

  /** Whether the value is to be kept out of the cache. */
  get isSkipped(): boolean {
    return this.#isSkipped;
  }

  async dependOn({
    tags,
    keys,
  }: {
    readonly tags?: readonly KeyPart[];
    readonly keys?: readonly CacheDependency[];
  }): Promise<void> {
    const named = this.#dependencies.all({ tags, dependsOn: keys });
    const unknown = named.filter(({ label }) => !this.#captured.has(label));
    if (unknown.length === 0) return;
    const versions = await this.#source.capture(unknown);
    if (!versions) {
      this.#isCaptured = false;
      return;
    }
    for (const [label, version] of versions) this.#take(label, version);
  }

  async read(key: string): Promise<string | null> {
    const { text, version } = await this.#source.readContent(key);
    this.#take(this.#dependencies.on(key).label, version);
    return text;
  }

  addTags(...tags: readonly KeyPart[]): void {
    for (const tag of this.#dependencies.all({ tags })) {
      if (!this.#captured.has(tag.label)) this.#late.set(tag.label, tag);
    }
  }

  setTtl(ttl: Duration): void {
    this.#ttlMs = parseDuration(ttl, 'ttl');
  }

  skipCache(): void {
    this.#isSkipped = true;
  }

  /** What is read twice has to be the same both times, or the value is made of two states. */
  #take(label: string, version: string | null): void {
    const known = this.#captured.get(label);
    if (known !== undefined && known !== version) this.#isCaptured = false;
    else this.#captured.set(label, version);
  }
}
