import { CacheKeys } from '../../../../src/cache/cache-keys.js';
import type {
  CacheKey,
  GetOrLoadOptions,
  LoadContext,
} from '../../../../src/cache/cache-options.js';
import { KeyBuilder } from '../../../../src/keys/key-builder.js';
import { ENTRIES, GROUPS, type Ledger } from './ledger.js';

/** The transactions that a cached value was made of. */
export interface Seen {
  readonly own: number;
  readonly group: number;
}

export const ledgerKeys = new KeyBuilder({ app: 'changes', environment: 'test' });
const cacheKeys = new CacheKeys(ledgerKeys, 'default');

/** How entries differ: in how what they depend on is told, and in how long they may be served. */
const KINDS = ['tag', 'key', 'found', 'late', 'stale', 'fail-safe'] as const;

/** The tags and keys of a change. */
export interface Targets {
  readonly tags: readonly string[];
  readonly keys: readonly CacheKey[];
}

/** One cached entry: made of a row of its own, and of one that it shares with others. */
export class LedgerEntry {
  readonly kind: (typeof KINDS)[number];
  readonly name: CacheKey;
  readonly group: number;
  readonly #ownTag: string;
  readonly #groupTag: string;

  constructor(readonly own: number) {
    this.kind = KINDS[own % KINDS.length] as (typeof KINDS)[number];
    this.name = [this.kind, own];
    this.group = ENTRIES + (own % GROUPS);
    this.#ownTag = `own-${own}`;
    this.#groupTag = groupTag(this.group);
  }

  get isChangedByKey(): boolean {
    return this.kind === 'key' || this.kind === 'fail-safe';
  }

  /** Whether its tags are all that there is to say about it. */
  get isPlain(): boolean {
    return this.kind === 'tag' || this.kind === 'key';
  }

  /** How a change of its own row is told. */
  get targets(): Targets {
    return this.isChangedByKey
      ? { tags: [], keys: [this.name] }
      : { tags: [this.#ownTag], keys: [] };
  }

  /** The key in Redis that says that the entry's own row is being changed. */
  get metadata(): string {
    return this.isChangedByKey ? cacheKeys.of(this.name).lease : ledgerKeys.tagKey(this.#ownTag);
  }

  get storedAt(): string {
    return cacheKeys.of(this.name).entry;
  }

  options(): GetOrLoadOptions<Seen> {
    const tags = [this.#ownTag, this.#groupTag];
    switch (this.kind) {
      case 'tag':
        return { tags };
      case 'stale':
        return { tags, ttl: '30ms', staleFor: '5s' };
      case 'key':
        return { tags: [this.#groupTag] };
      case 'fail-safe':
        return { tags: [this.#groupTag], ttl: '60ms', failSafe: '5s' };
      case 'found':
      case 'late':
        return {};
    }
  }

  /** @param pause takes a random time, between any two things that a loader does */
  async load(ledger: Ledger, pause: () => Promise<void>, context?: LoadContext): Promise<Seen> {
    const tags = [this.#ownTag, this.#groupTag] as const;
    if (this.kind === 'found') await context?.dependOn({ tags });
    await pause();
    const own = ledger.read(this.own);
    await pause();
    const group = ledger.read(this.group);
    await pause();
    if (this.kind === 'late') context?.addTags(...tags);
    return { own, group };
  }
}

export const ALL_ENTRIES: readonly LedgerEntry[] = Array.from(
  { length: ENTRIES },
  (_, own) => new LedgerEntry(own),
);

function groupTag(row: number): string {
  return `group-${row}`;
}

/** How a change of this row is told. */
export function targetsOf(row: number): Targets {
  return ALL_ENTRIES[row]?.targets ?? { tags: [groupTag(row)], keys: [] };
}

/** The key in Redis that says that this row is being changed. */
export function metadataOf(row: number): string {
  return ALL_ENTRIES[row]?.metadata ?? ledgerKeys.tagKey(groupTag(row));
}

/** Returns the keys that a change of this row writes at its begin and its end. */
export function writtenFor(row: number): string[] {
  const entry = ALL_ENTRIES[row];
  return entry?.isChangedByKey ? [entry.metadata, entry.storedAt] : [metadataOf(row)];
}
