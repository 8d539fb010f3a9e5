import type { Link } from '../../connection/tracking/link.js';
import type { EntityDependency } from '../../keys/entity-dependency.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import type { CacheKeys } from '../cache-keys.js';
import type { CacheKey } from '../cache-options.js';
import type { Dependencies, Dependency } from '../entry/dependencies.js';
import { decodeVersions, type Entry } from '../entry/envelope.js';
import type { NearState } from '../../telemetry/near-state.js';
import { NearBodies } from './near-bodies.js';
import type { Coherence, CoherentCopy } from './coherence.js';
import { textBytes } from './frozen-value.js';
import { NearEntry, type Source } from './near-entry.js';
import { Sieve } from './sieve.js';
import type { ResolvedNearOptions } from '../near-options.js';

/** A value takes this part of the copy at most. */
const LARGEST_PART = 8;

/**
 * The bytes that an entry and a source take in V8 beside their texts, their slots in maps included. Measured
 * as the growth of the heap with 4,000 to 40,000 entries (`benchmarks/near.bench.mjs memory`).
 */
const ENTRY_BYTES = 448;
const SOURCE_BYTES = 278;
const REFERENCE_BYTES = 8;

/** How many proofs that all changes are known a `staleness` has. */
const HEARTBEATS = 3;

/** The dependencies that a caller names beside the key. */
export interface NearCaller {
  readonly tags?: readonly KeyPart[] | undefined;
  readonly dependsOn?: readonly (string | EntityDependency)[] | undefined;
}

/** An entry that was read from Redis and found valid, and that a value was made of. */
export interface NearFinding {
  readonly key: string;
  readonly entry: Entry;
  readonly serializer: CacheSerializer<unknown>;
  /** The dependencies that the reader names. */
  readonly named: readonly Dependency[];
  /** When the read began, from {@link NearCopy.begin}. */
  readonly since: number;
}

/** The facts in Redis about an entry that is to be confirmed. */
export interface Confirmation {
  readonly fillId: string;
  /** Of its sources, in their order. */
  readonly versions: readonly (string | null)[];
}

/**
 * The copy of a cache in this process: serves an entry as long as it is certain, within `staleness`, that
 * nothing which it depends on has changed.
 *
 * @internal
 */
export class NearCopy implements CoherentCopy {
  readonly #options: ResolvedNearOptions;
  readonly #keys: CacheKeys;
  readonly #coherence: Coherence;
  readonly #dependencies: Dependencies;
  readonly #bodies: NearBodies;
  readonly #entries: Sieve<NearEntry>;
  readonly #sources = new Map<string, Source>();
  readonly #labelOf: (tag: KeyPart) => string;
  /** The links of most entries: those that were kept last. */
  #links: readonly Link[] = [];
  #sourceBytes = 0;
  /** How often any of the sources has changed. */
  #changes = 0;
  #hits = 0;
  #misses = 0;
  #evictions = 0;
  #unverified = 0;
  #isClosed = false;

  constructor(
    options: ResolvedNearOptions,
    keys: CacheKeys,
    coherence: Coherence,
    dependencies: Dependencies,
  ) {
    this.#options = options;
    this.#keys = keys;
    this.#coherence = coherence;
    this.#dependencies = dependencies;
    this.#labelOf = (tag) => dependencies.tag(tag).label;
    this.#bodies = new NearBodies(options.isFrozen);
    this.#entries = new Sieve(({ sources }) => {
      this.#release(sources);
    });
    coherence.join(this, options.stalenessMs / HEARTBEATS);
  }

  get state(): NearState {
    const { isArmed, reason, oldestProofAgeMs } = this.#coherence.state;
    return {
      hits: this.#hits,
      misses: this.#misses,
      evictions: this.#evictions,
      unverified: this.#unverified,
      entries: this.#entries.size,
      bytes: this.#bytes,
      pushes: this.#coherence.pushes,
      isArmed,
      ...(reason !== undefined && { reason }),
      proofAgeMs: oldestProofAgeMs,
    };
  }

  /**
   * @returns an entry that may be served now: it has everything that the caller names
   * @throws what is wrong with the key
   */
  find(
    key: CacheKey,
    { tags, dependsOn }: NearCaller,
    serializer: CacheSerializer<unknown>,
  ): NearEntry | undefined {
    const entry = this.#named(key);
    if (
      entry &&
      this.isCertain(entry) &&
      entry.dependsOn(tags, dependsOn, this.#labelOf) &&
      entry.isFor(serializer)
    ) {
      entry.wasRead = true;
      this.#hits++;
      return entry;
    }
    if (entry && !entry.isUnchanged) this.#drop(entry);
    return undefined;
  }

  /** The entry with a key of Redis, whether or not it may be served. Does not count as a read. */
  peek(key: string): NearEntry | undefined {
    return this.#entries.get(key.slice(this.#keys.prefix.length));
  }

  /** Whether an entry may be served now: it is fresh, and nothing that it depends on has changed. */
  isCertain(entry: NearEntry): boolean {
    const now = performance.now();
    return (
      this.#isUnchanged(entry) &&
      entry.isConfirmed &&
      now < entry.freshUntil &&
      entry.isProvenAt(now - this.#options.stalenessMs)
    );
  }

  /** An entry that was certain before a link was lost, if the links are back: it can be confirmed. */
  doubtful(key: string): NearEntry | undefined {
    const entry = this.peek(key);
    const isCandidate = entry?.isUnchanged && performance.now() < entry.freshUntil;
    if (!isCandidate || entry.isConfirmed) return undefined;
    return this.#coherence.linksOf(entry.keys, Infinity) && entry;
  }

  /**
   * Confirms an entry with what stands in Redis: it is the same load's, and all of its sources have the
   * versions that it was made of. Either alone is not enough: an entry stays where it is when a tag is
   * invalidated, and may be loaded again under the same versions.
   *
   * @param since when that was read, from {@link begin}
   */
  confirm(entry: NearEntry, { fillId, versions }: Confirmation, since: number): void {
    const links = this.#shared(this.#coherence.linksOf(entry.keys, since));
    if (!links) return;
    this.#unverified++;
    const isSame =
      entry.isUnchanged &&
      fillId === entry.fillId &&
      entry.sources.every(({ version }, i) => version === versions[i]);
    if (isSame) entry.confirm(links);
    else this.#drop(entry);
  }

  /** Begins a read of Redis whose value may be kept: it counts as a miss. */
  miss(): number {
    this.#misses++;
    return this.begin();
  }

  /** Begins a look at Redis. */
  begin(): number {
    return this.#coherence.begin();
  }

  /** Keeps what was read, unless something of it has changed since the read began. */
  keep({ key, entry, serializer, named, since }: NearFinding): void {
    if (this.#isClosed) return; // other copies may go on hearing of changes
    const known = this.peek(key);
    if (known?.fillId === entry.fillId && this.isCertain(known) && known.isFor(serializer)) return;
    const versions = decodeVersions(entry);
    const dependencies = this.#dependencies.ofLabels([...versions.keys()]);
    if (!dependencies?.every(({ by }) => by === 'version')) return; // no server tells of other keys
    const keys = [key, ...dependencies.map((one) => one.key)];
    const links = this.#shared(this.#coherence.linksOf(keys, since));
    const [link] = links ?? [];
    if (!links || !link?.serverTimeAt) return;
    const { serverMs, atMs } = link.serverTimeAt;
    const now = performance.now();
    // The clock of the server may have been set since it was read.
    const longest = now + (entry.freshUntil - entry.loadedAt);
    const freshUntil = Math.min(entry.freshUntil - serverMs + atMs, longest);
    if (freshUntil <= now) return;
    const held = this.#bodies.make(entry, serializer, key);
    if (!held) return;
    const { kind, fillId, loadedAt } = entry;
    const { prefix } = this.#keys;
    const name = flat(key.slice(prefix.length));
    const bytes =
      ENTRY_BYTES + textBytes(name) + held.bytes + REFERENCE_BYTES * dependencies.length;
    if (bytes * LARGEST_PART > this.#options.maxBytes) {
      this.#entries.delete(name);
      return;
    }
    const sources = this.#use(dependencies, versions, named);
    const facts = {
      ...{ prefix, name, kind, fillId, loadedAt, freshUntil, bytes, sources },
      isPlain: this.#keys.isPlain(name),
      serializer: entry.serializer,
    };
    this.#entries.add(new NearEntry(facts, held.body, links));
    this.#makeRoom();
  }

  changed(key: string): void {
    const source = this.#sources.get(key);
    if (source) this.#change(source);
    else if (key.startsWith(this.#keys.prefix)) {
      this.#entries.delete(key.slice(this.#keys.prefix.length));
    }
  }

  flushed(link: Link): void {
    for (const entry of [...this.#entries.values()]) {
      if (entry.dependsOnServer(link)) this.#drop(entry);
    }
  }

  doubtAll(): void {
    for (const entry of this.#entries.values()) entry.doubt();
  }

  moved(slots: ReadonlySet<number>): void {
    for (const entry of this.#entries.values()) {
      if (entry.isInSlots(slots)) entry.doubt();
    }
  }

  /** Drops everything, hears of no further change, and keeps nothing any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#entries.clear();
    await this.#coherence.leave(this);
  }

  get #bytes(): number {
    return this.#entries.bytes + this.#sourceBytes;
  }

  /** The entry that a caller asks for. Most ask with a text that is its name. */
  #named(key: CacheKey): NearEntry | undefined {
    if (typeof key === 'string') {
      const entry = this.#entries.get(key);
      if (entry?.isPlain) return entry;
    }
    return this.#entries.get(this.#keys.nameOf(key));
  }

  /** Looks at the sources of an entry only if any source has changed since it last did. */
  #isUnchanged(entry: NearEntry): boolean {
    if (entry.unchangedAt === this.#changes) return true;
    if (!entry.isUnchanged) return false;
    entry.unchangedAt = this.#changes;
    return true;
  }

  #change(source: Source): void {
    source.changes++;
    this.#changes++;
  }

  #drop({ name }: NearEntry): void {
    this.#entries.delete(name);
  }

  /** One list for entries that have the same links: it is looked at with each hit. */
  #shared(links: readonly Link[] | undefined): readonly Link[] | undefined {
    if (!links) return undefined;
    const latest = this.#links;
    if (links.length === latest.length && links.every((link, i) => link === latest[i])) {
      return latest;
    }
    return (this.#links = links);
  }

  /** Sources take memory, too. A source may outlive the entry that was the first to depend on it. */
  #makeRoom(): void {
    const { maxBytes, maxEntries } = this.#options;
    while (this.#bytes > maxBytes || this.#entries.size > maxEntries) {
      if (!this.#entries.evict()) return;
      this.#evictions++;
    }
  }

  /** The sources with these versions. One that has another version has changed, although no push says so. */
  #use(
    dependencies: readonly Dependency[],
    versions: ReadonlyMap<string, string>,
    named: readonly Dependency[],
  ): readonly Source[] {
    return dependencies.map(({ key, label }) => {
      const version = versions.get(label) ?? '';
      let source = this.#sources.get(key);
      if (!source) {
        source = sourceAt(key, flat(label));
        this.#sources.set(key, source);
        this.#sourceBytes += bytesOf(source);
      }
      if (source.version !== version) {
        source.version = flat(version);
        this.#change(source);
      }
      source.name ??= named.find((one) => one.label === label)?.name;
      source.entries++;
      return source;
    });
  }

  #release(sources: readonly Source[]): void {
    for (const source of sources) {
      if (--source.entries > 0) continue;
      this.#sources.delete(source.key);
      this.#sourceBytes -= bytesOf(source);
    }
  }
}

function sourceAt(key: string, label: string): Source {
  return { key, label, name: undefined, slot: undefined, version: '', changes: 0, entries: 0 };
}

function bytesOf({ key, label }: Source): number {
  return SOURCE_BYTES + textBytes(key) + 2 * textBytes(label);
}

/** A copy of a text that keeps no larger text in memory: V8 makes parts of texts as views of the whole. */
function flat(text: string): string {
  return Buffer.from(text).toString();
}
