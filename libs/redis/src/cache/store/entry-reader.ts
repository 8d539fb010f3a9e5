import type { CacheStore, EntryKeys } from './cache-store.js';
import type { ReadSink } from '../../batch/read-command.js';
import { slotOf } from '../../connection/driver/hash-slots.js';
import type { Inquiry } from '../outage/attempt.js';
import type { Budget } from '../outage/budget.js';
import type { OutageGuard } from '../outage/outage-guard.js';
import type { Outbox } from '../outage/outbox.js';
import type { Dependencies } from '../entry/dependencies.js';
import type { Dependency } from '../entry/dependency.js';
import { DependencyList } from '../entry/dependency-list.js';
import { decodeEntry, fillIdOf, type Entry } from '../entry/envelope.js';
import { decodeVersions, standsExactly } from '../entry/versions.js';
import { isBeingChanged } from '../entry/writers.js';

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
      /** Whether what it depends on is being changed: then no load can fill it. */
      readonly isBeingChanged: boolean;
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
  readonly #hints = new Map<string, Hint>();

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
  look({ entry: key }: EntryKeys, named: DependencyList, budget: Budget): Promise<Verdict> {
    const { deleted } = this.#outbox; // may be delivered before the reply is judged
    const hint = this.#hints.size === 0 ? undefined : this.#hints.get(key);
    const read = hint ? hint.beside(named) : named;
    return this.#guard.read(new Look(this, key, named, read, deleted, budget));
  }

  /** Asks for what a look is about. */
  ask({ key, read }: Look, sink: ReadSink): void {
    this.#store.read(sink, key, read);
  }

  /** @param versions of what was read beside the entry */
  judge(
    look: Look,
    stored: Buffer | null,
    versions: readonly (string | null)[],
  ): Verdict | Promise<Verdict> {
    if (stored === null) return this.#missing('', versions);
    const entry = decodeEntry(stored);
    if (!entry) {
      this.#onCorrupt(look.key);
      return this.#missing(fillIdOf(stored), versions);
    }
    if (standsExactly(entry, look.read, versions))
      return this.#verdict(entry, true, look, versions);
    return this.#stands(entry, look, versions).then((isValid) =>
      this.#verdict(entry, isValid, look, versions),
    );
  }

  #missing(judged: string, versions: readonly (string | null)[]): Verdict {
    const now = this.#store.clock.now();
    const isChanging = versions.some((version) => isBeingChanged(version, now));
    return { state: 'missing', judged, isBeingChanged: isChanging };
  }

  #verdict(
    entry: Entry,
    isValid: boolean,
    { key, deleted }: Look,
    versions: readonly (string | null)[],
  ): Verdict {
    if (!isValid || this.#isDeleted(entry, key, deleted)) {
      return this.#missing(entry.fillId, versions);
    }
    const { freshUntil } = entry;
    const expiredForMs = freshUntil === 0 ? 0 : this.#store.clock.now() - freshUntil;
    return { state: 'valid', entry, expiredForMs: Math.max(0, expiredForMs) };
  }

  /** Everything that is named has to be in the entry, and everything in the entry as it was. */
  async #stands(
    entry: Entry,
    { key, named: { all: named }, read: { all: read }, budget }: Look,
    versions: readonly (string | null)[],
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
    // Before they are read, which may take longer than this reader has time for.
    this.#remember(key, [...stored.keys()], named, [...read, ...others]);
    const found = others.length === 0 ? [] : await this.#versions(key, others, budget);
    return others.every(({ label }, i) => stored.get(label) === found[i]);
  }

  #versions(key: string, of: readonly Dependency[], budget: Budget): Promise<(string | null)[]> {
    const undertaking = { key, operation: 'read', budget, keys: of.map((one) => one.key) };
    return this.#guard.attempt(undertaking, (ask) => this.#store.noting(ask).versions(of));
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
    else this.#hints.set(key, new Hint(known.filter(({ label }) => others.includes(label))));
  }
}

/** One look at an entry. A class, because there is one for each read, and two closures would be felt. */
class Look implements Inquiry<Verdict> {
  readonly operation = 'read';
  readonly #reader: EntryReader;

  /** @param read beside what is named, what the entry is known to depend on */
  constructor(
    reader: EntryReader,
    readonly key: string,
    readonly named: DependencyList,
    readonly read: DependencyList,
    readonly deleted: ReadonlyMap<string, unknown>,
    readonly budget: Budget,
  ) {
    this.#reader = reader;
  }

  get slots(): readonly number[] {
    return [slotOf(this.key), ...this.read.slots];
  }

  ask(sink: ReadSink): void {
    this.#reader.ask(this, sink);
  }

  judge(stored: Buffer | null, versions: readonly (string | null)[]): Verdict | Promise<Verdict> {
    return this.#reader.judge(this, stored, versions);
  }
}

/** What an entry depends on beside what its readers say. */
class Hint {
  readonly others: readonly Dependency[];
  /** What the latest reader named, and what was read for him. */
  #named: DependencyList | undefined;
  #read: DependencyList | undefined;

  constructor(others: readonly Dependency[]) {
    this.others = others;
  }

  beside(named: DependencyList): DependencyList {
    if (this.#named !== named || !this.#read) {
      this.#named = named;
      this.#read = new DependencyList(distinct([...named.all, ...this.others]));
    }
    return this.#read;
  }
}

function distinct(dependencies: readonly Dependency[]): readonly Dependency[] {
  return [...new Map(dependencies.map((one) => [one.label, one])).values()];
}
