import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import { untilAbort } from '../../time/until-abort.js';
import type { CacheKey } from '../cache-options.js';
import type { Dependencies, DependencyList } from '../entry/dependencies.js';
import { fillIdOf, type Entry } from '../entry/envelope.js';
import type { Budget } from '../outage/budget.js';
import { RedisAway } from '../outage/waiting.js';
import type { CacheStore } from '../store/cache-store.js';
import type { NearCaller, NearCopy } from './near-copy.js';
import type { NearEntry } from './near-entry.js';

/** A value that was found in the process. It is fresh: a stale one is read from Redis, and refreshed. */
export interface NearFound {
  readonly value: unknown;
  readonly status: 'hit' | 'negative';
  readonly loadedAt: number;
  readonly entry: NearEntry;
}

/**
 * Reads from the near copy, keeps in it what was read from Redis, and confirms what it holds.
 *
 * @internal
 */
export class NearReader {
  readonly copy: NearCopy;
  readonly #store: CacheStore;
  readonly #dependencies: Dependencies;

  constructor(copy: NearCopy, store: CacheStore, dependencies: Dependencies) {
    this.copy = copy;
    this.#store = store;
    this.#dependencies = dependencies;
  }

  /** Sends nothing. */
  find(
    key: CacheKey,
    caller: NearCaller,
    serializer: CacheSerializer<unknown>,
  ): NearFound | undefined {
    const entry = this.copy.find(key, caller, serializer);
    if (!entry) return undefined;
    const status = entry.kind === 'v' ? 'hit' : 'negative';
    try {
      return { value: entry.valueFor(serializer), status, loadedAt: entry.loadedAt, entry };
    } catch {
      return undefined; // another serializer of this name reads it in Redis, and says what is wrong
    }
  }

  /** Begins a read of Redis whose entry may be kept. */
  begin(): number {
    return this.copy.miss();
  }

  /** Keeps an entry that was read from Redis and found valid. */
  keep(
    key: string,
    entry: Entry,
    serializer: CacheSerializer<unknown>,
    { all: named }: DependencyList,
    since: number,
  ): void {
    this.copy.keep({ key, entry, serializer, named, since });
  }

  /**
   * Confirms an entry that was read before a link was lost: compares the beginning of what is stored, and the
   * versions, so that the value itself does not travel again. One round trip, and none if there is no such
   * entry.
   *
   * @returns whether there was one
   * @throws the signal's reason
   */
  async confirm(key: string, budget: Budget, signal: AbortSignal | undefined): Promise<boolean> {
    const entry = this.copy.doubtful(key);
    if (!entry) return false;
    const since = this.copy.begin();
    try {
      const reading = this.#read(entry, budget);
      this.copy.confirm(entry, await (signal ? untilAbort(reading, signal) : reading), since);
      return true;
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      return false; // the read that follows says what is wrong
    }
  }

  async #read(entry: NearEntry, budget: Budget) {
    const { key, sources } = entry;
    const dependencies = sources.map(({ label }) => this.#dependencies.ofLabel(label));
    const [head, versions] = await this.#store.attempt(
      { key, operation: 'read', budget, keys: entry.keys },
      (store) => Promise.all([store.head(key), store.versions.now(dependencies)]),
    );
    return { fillId: fillIdOf(head), versions };
  }
}
