import type { ReadSink } from '../../batch/read-command.js';
import { slotOf } from '../../connection/driver/hash-slots.js';
import { DependencyList, type Dependencies, type Dependency } from '../entry/dependencies.js';
import {
  decodeEntry,
  decodeVersions,
  fillIdOf,
  standsExactly,
  type Entry,
} from '../entry/envelope.js';
import { isBeingChanged } from '../entry/writers.js';
import type { Budget } from '../outage/budget.js';
import { GuardedRead } from '../outage/guarded-read.js';
import type { OutageGuard } from '../outage/outage-guard.js';
import type { Outbox } from '../outage/outbox.js';
import type { CacheStore, EntryKeys } from './cache-store.js';

/** The finding where an entry should be. */
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
      /** The load that made what is stored there nevertheless; '' if none did. */
      readonly judged: string;
      /** Whether what it depends on is being changed: then no load can fill it. */
      readonly isBeingChanged: boolean;
    };

/** The load that made what was found, '' if none did. A new load names it when it asks for the lease. */
export function judgedBy(verdict: Verdict): string {
  return verdict.state === 'missing' ? verdict.judged : verdict.entry.fillId;
}

/** Whether what is missing is being changed: it may be loaded, but not stored. */
export function isChanging(verdict: Verdict): boolean {
  return verdict.state === 'missing' && verdict.isBeingChanged;
}

/** For how many entries it is remembered that they depend on more than their readers name. */
const MOST_HINTS = 10_000;

/**
 * Reads entries and judges them: one round trip, and a second one where an entry depends on more than
 * its reader names, which is then remembered for the next reader.
 *
 * @internal
 */
export class EntryReader {
  readonly store: CacheStore;
  readonly guard: OutageGuard;
  readonly dependencies: Dependencies;
  readonly onCorrupt: (key: string) => void;
  readonly #outbox: Outbox;
  /** Dependencies of entries that their readers do not name, as they were when the entries were last read. */
  readonly #hints = new Map<string, Hint>();

  constructor(
    store: CacheStore,
    guard: OutageGuard,
    dependencies: Dependencies,
    outbox: Outbox,
    onCorrupt: (key: string) => void,
  ) {
    this.store = store;
    this.guard = guard;
    this.dependencies = dependencies;
    this.onCorrupt = onCorrupt;
    this.#outbox = outbox;
  }

  /** @throws RedisAway */
  look({ entry: key }: EntryKeys, named: DependencyList, budget: Budget): Promise<Verdict> {
    const { deleted } = this.#outbox; // may be delivered before the reply is judged
    const hint = this.#hints.size === 0 ? undefined : this.#hints.get(key);
    const read = hint ? hint.beside(named) : named;
    return new PendingRead(this, key, named, read, deleted, budget).send();
  }

  /** @param known dependencies, those among `stored` included */
  remember(
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

/**
 * One read of an entry, from the question whether it may be sent to the verdict on what was read. It is
 * the only object that is made for a read, beside its promise.
 */
class PendingRead extends GuardedRead<Verdict> implements ReadSink {
  readonly #reader: EntryReader;
  readonly #named: DependencyList;
  readonly #read: DependencyList;
  readonly #deleted: ReadonlyMap<string, unknown>;

  /**
   * @param read beside what is named, what the entry is known to depend on
   * @param deleted what this process had deleted when the read began, though Redis may not know it yet
   */
  constructor(
    reader: EntryReader,
    key: string,
    named: DependencyList,
    read: DependencyList,
    deleted: ReadonlyMap<string, unknown>,
    budget: Budget,
  ) {
    super(key, 'read', budget);
    this.#reader = reader;
    this.#named = named;
    this.#read = read;
    this.#deleted = deleted;
  }

  get slots(): readonly number[] {
    return [slotOf(this.key), ...this.#read.slots];
  }

  send(): Promise<Verdict> {
    const { guard, store } = this.#reader;
    const away = guard.admit(this);
    if (away) this.reject(away);
    else store.read(this, this.key, this.#read);
    return this.promise;
  }

  /** @param versions of what was read beside the entry */
  succeed(stored: Buffer | null, versions: readonly (string | null)[]): void {
    if (this.isSettled) return;
    this.settle();
    try {
      this.resolve(this.#judge(stored, versions));
    } catch (error) {
      this.reject(error);
    }
  }

  #judge(stored: Buffer | null, versions: readonly (string | null)[]): Verdict | Promise<Verdict> {
    if (stored === null) return this.#missing('', versions);
    const entry = decodeEntry(stored);
    if (!entry) {
      this.#reader.onCorrupt(this.key);
      return this.#missing(fillIdOf(stored), versions);
    }
    if (standsExactly(entry, this.#read, versions)) return this.#verdict(entry, true, versions);
    return this.#stands(entry, versions).then((isValid) => this.#verdict(entry, isValid, versions));
  }

  #missing(judged: string, versions: readonly (string | null)[]): Verdict {
    const now = this.#reader.store.clock.now();
    const isChanging = versions.some((version) => isBeingChanged(version, now));
    return { state: 'missing', judged, isBeingChanged: isChanging };
  }

  #verdict(entry: Entry, isValid: boolean, versions: readonly (string | null)[]): Verdict {
    if (!isValid || this.#isDeleted(entry)) return this.#missing(entry.fillId, versions);
    const { freshUntil, liveUntil } = entry;
    const endsInRedis = freshUntil >= liveUntil;
    const expiredForMs = endsInRedis ? 0 : this.#reader.store.clock.now() - freshUntil;
    return { state: 'valid', entry, expiredForMs: Math.max(0, expiredForMs) };
  }

  /** Everything that is named has to be in the entry, and everything in the entry as it was. */
  async #stands(entry: Entry, versions: readonly (string | null)[]): Promise<boolean> {
    const { key } = this;
    const { all: named } = this.#named;
    const { all: read } = this.#read;
    const reader = this.#reader;
    const stored = decodeVersions(entry);
    if (!named.every(({ label }) => stored.has(label))) return false;
    for (const [i, { label }] of read.entries()) {
      if (stored.has(label) && stored.get(label) !== versions[i]) return false;
    }
    const unread = [...stored.keys()].filter((label) => !read.some((one) => one.label === label));
    const others = reader.dependencies.ofLabels(unread);
    if (!others) {
      reader.onCorrupt(key);
      return false;
    }
    // Before they are read, which may take longer than this reader has time for.
    reader.remember(key, [...stored.keys()], named, [...read, ...others]);
    const found = others.length === 0 ? [] : await this.#versions(others);
    return others.every(({ label }, i) => stored.get(label) === found[i]);
  }

  #versions(of: readonly Dependency[]): Promise<(string | null)[]> {
    const { store } = this.#reader;
    const { key, operation, budget } = this;
    const undertaking = { key, operation, budget, keys: of.map((one) => one.key) };
    return store.attempt(undertaking, ({ versions }) => versions.now(of));
  }

  /** Whether this process has deleted it, although Redis does not know it yet. */
  #isDeleted(entry: Entry): boolean {
    const deleted = this.#deleted;
    if (deleted.size === 0) return false;
    if (deleted.has(this.key)) return true;
    const labels = [...decodeVersions(entry).keys()];
    return labels.some((label) => deleted.has(this.#reader.dependencies.ofLabel(label).key));
  }
}

/** The dependencies of an entry that its readers do not name. */
class Hint {
  readonly others: readonly Dependency[];
  /** The dependencies that the latest reader named, and all that were read for it. */
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
