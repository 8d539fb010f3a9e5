import type { CacheStore, EntryKeys } from './cache-store.js';
import type { Budget, OutageGuard } from '../outage/outage-guard.js';
import type { Outbox } from '../outage/outbox.js';
import type { Dependencies, Dependency } from '../entry/dependency.js';
import { decodeEntry, fillIdOf, type Entry } from '../entry/envelope.js';
import { decodeVersions, standsExactly } from '../entry/versions.js';

/** What was found where an entry should be. */
export type Verdict =
  | {
      /** Valid: nothing that it depends on has changed. */
      readonly state: 'valid';
      readonly entry: Entry;
      /** For how long it has not been fresh any more; 0 while it is. */
      readonly expiredForMs: number;
    }
  | {
      readonly state: 'missing';
      /** The load that made what is stored there all the same; '' if none did. */
      readonly judged: string;
    };

/** How many entries it is known of that they depend on more than their readers say. */
const MOST_HINTS = 10_000;

/**
 * Reads entries and judges them: one round trip, and a second one where an entry depends on more than
 * its reader says, which the first reader then remembers.
 *
 * @internal
 */
export class EntryReader {
  readonly #store: CacheStore;
  readonly #guard: OutageGuard;
  readonly #dependencies: Dependencies;
  readonly #outbox: Outbox;
  readonly #onCorrupt: (key: string) => void;
  /** What entries depend on beside what their readers say, as it was when they were last read. */
  readonly #hints = new Map<string, readonly Dependency[]>();

  constructor(
    store: CacheStore,
    guard: OutageGuard,
    dependencies: Dependencies,
    outbox: Outbox,
    onCorrupt: (key: string) => void,
  ) {
    this.#outbox = outbox;
    this.#store = store;
    this.#guard = guard;
    this.#dependencies = dependencies;
    this.#onCorrupt = onCorrupt;
  }

  /** @throws RedisAway */
  async look(
    { entry: key }: EntryKeys,
    named: readonly Dependency[],
    budget: Budget,
  ): Promise<Verdict> {
    const { deleted } = this.#outbox; // may be delivered before the reply is judged
    const hinted = this.#hints.size === 0 ? undefined : this.#hints.get(key);
    const read = hinted ? distinct([...named, ...hinted]) : named;
    const readings = await this.#guard.read(key, budget, (sink) => {
      this.#store.read(sink, key, read);
    });
    const text = readings[0] ?? null;
    if (text === null) return NOTHING;
    const entry = decodeEntry(text);
    if (!entry) {
      this.#onCorrupt(key);
      return { state: 'missing', judged: fillIdOf(text) };
    }
    const isValid =
      standsExactly(entry, read, readings) ||
      (await this.#stands(entry, key, named, read, readings.slice(1), budget));
    if (!isValid || this.#isDeleted(entry, key, deleted))
      return { state: 'missing', judged: entry.fillId };
    const { freshUntil } = entry;
    const expiredForMs = freshUntil === 0 ? 0 : this.#store.clock.now() - freshUntil;
    return { state: 'valid', entry, expiredForMs: Math.max(0, expiredForMs) };
  }

  /** Everything that is named has to be in the entry, and everything in the entry as it was. */
  async #stands(
    entry: Entry,
    key: string,
    named: readonly Dependency[],
    read: readonly Dependency[],
    versions: readonly (string | null)[],
    budget: Budget,
  ): Promise<boolean> {
    const stored = decodeVersions(entry);
    if (!named.every(({ label }) => stored.has(label))) return false;
    for (const [i, { label }] of read.entries()) {
      if (stored.has(label) && stored.get(label) !== versions[i]) return false;
    }
    const unread = [...stored.keys()].filter((label) => !read.some((one) => one.label === label));
    const others = this.#dependencies.ofLabels(unread);
    if (!others) {
      this.#onCorrupt(key);
      return false;
    }
    const ask = () => this.#store.versions(others);
    const found = others.length === 0 ? [] : await this.#guard.attempt(key, 'read', budget, ask);
    this.#remember(key, [...stored.keys()], named, [...read, ...others]);
    return others.every(({ label }, i) => stored.get(label) === found[i]);
  }

  /** By this process, although Redis does not know it yet. */
  #isDeleted(entry: Entry, key: string, deleted: ReadonlyMap<string, unknown>): boolean {
    if (deleted.size === 0) return false;
    if (deleted.has(key)) return true;
    const labels = [...decodeVersions(entry).keys()];
    return labels.some((label) => deleted.has(this.#dependencies.ofLabel(label).key));
  }

  #remember(
    key: string,
    stored: readonly string[],
    named: readonly Dependency[],
    known: readonly Dependency[],
  ): void {
    const others = stored.filter((label) => !named.some((one) => one.label === label));
    if (this.#hints.size >= MOST_HINTS) this.#hints.clear();
    if (others.length === 0) this.#hints.delete(key);
    else
      this.#hints.set(
        key,
        known.filter(({ label }) => others.includes(label)),
      );
  }
}

const NOTHING: Verdict = { state: 'missing', judged: '' };

function distinct(dependencies: readonly Dependency[]): readonly Dependency[] {
  return [...new Map(dependencies.map((one) => [one.label, one])).values()];
}
