import type { TtlMs } from '../../time/ttl.js';

/** How long what is written lives; `'keep'` leaves the time that is left as it is. */
export type WriteTtl = TtlMs | 'keep';

export interface EntityWrite {
  /** The last part of the key, which stands for the entity in index entries. */
  readonly id: string;
  readonly key: string;
  readonly text: string;
  readonly ttl: WriteTtl;
  /** Written only if this is what is stored. */
  readonly expected?: string;
}

/** Whether it was written; if not, what is stored instead of what was expected. */
export type Outcome =
  { readonly written: true } | { readonly written: false; readonly current: string | null };

/** The one way in which a repository changes anything in Redis. */
export interface EntityWriter {
  /** @throws RedisConflictException if a unique value is taken */
  write(write: EntityWrite): Promise<Outcome>;
  /** @returns whether there was such an entity */
  remove(id: string, key: string): Promise<boolean>;
}
