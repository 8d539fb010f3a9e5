import type { TtlMs } from '../../time/ttl.js';
import type { EntriesByKind } from '../indexes/entity-indexes.js';

/** How long what is written lives; `'keep'` leaves the time that is left as it is. */
export type WriteTtl = TtlMs | 'keep';

export interface EntityWrite {
  /** The last part of the key, which stands for the entity in index entries. */
  readonly id: string;
  readonly key: string;
  readonly text: string;
  readonly ttl: WriteTtl;
  /** Condition of the write: the text that is stored now. */
  readonly expected?: string;
}

/** Whether an entity was written; if not, the text that stood there instead of the expected one. */
export type Outcome =
  { readonly written: true } | { readonly written: false; readonly current: string | null };

/** Changes entities in Redis, together with what stands beside them. */
export interface EntityWriter {
  /** @throws RedisConflictException if a unique value is taken */
  write(write: EntityWrite): Promise<Outcome>;
  /** @returns whether there was such an entity */
  remove(id: string, key: string): Promise<boolean>;
  /**
   * Gives an entity a new time to live. Absent where index entries have to be written with it.
   *
   * @returns whether there is such an entity
   */
  expire?(key: string, ttl: TtlMs): Promise<boolean>;
}

/** Writes an entity together with its index entries; how depends on which servers these are on. */
export interface Commit {
  /** @throws RedisConflictException if a unique value is taken */
  commit(write: EntityWrite, entries: EntriesByKind): Promise<Committed>;
}

export type Committed =
  | { readonly written: true; readonly previous: string | null }
  | { readonly written: false; readonly current: string | null };
