import type { Redis } from 'ioredis';
import type {
  CacheKey,
  GetOrLoadOptions,
  LoadContext,
} from '../../../../src/cache/cache-options.js';
import type { EntityDependency } from '../../../../src/keys/entity-dependency.js';
import { KeyBuilder, type RedisCache } from '../../../../src/index.js';
import { FOREIGN, GROUPS, KEYS, type SharedState } from './shared-state.js';

/** The versions that a cached value was made of. */
export interface Value {
  readonly own: number;
  readonly group?: number;
  readonly foreign?: number | null;
}

/** An entry of the kind `negative` has no value while its row has an even version. */
export type Loaded = Value | null;

export const historyKeys = new KeyBuilder({ app: 'history', environment: 'test' });

/** The cache of a thread, and the entities that it writes. */
interface Invalidator {
  readonly cache: RedisCache;
  readonly notes: { save(note: { id: string; text: string }): Promise<unknown> };
}

/** How entries differ: in how what they depend on is told, and in how their own row is invalidated. */
const KINDS = [
  'tag',
  'key',
  'pattern',
  'found',
  'late',
  'foreign',
  'read',
  'stale',
  'fail-safe',
  'set',
  'negative',
  'entity',
  'changed',
  'many tags',
] as const;
export type Kind = (typeof KINDS)[number];

/** One cached entry, and the rows of the source that it is made of. */
export class HistoryKey {
  readonly kind: Kind;
  readonly name: CacheKey;
  readonly ownTag: string;
  readonly groupTag: string;
  readonly groupRow: number;
  readonly foreignKey: string;
  readonly foreignRow: number;
  /** The rows that a value is made of, and their names in it. */
  readonly rows: readonly (readonly [name: keyof Value, row: number])[];
  /** For entries of the kind `entity`, once there is a repository. */
  dependency: EntityDependency | undefined;
  #options: GetOrLoadOptions<Loaded> | undefined;

  constructor(readonly index: number) {
    this.kind = KINDS[index % KINDS.length] as Kind;
    this.name = [this.kind, index];
    this.ownTag = `own-${index}`;
    this.groupTag = `group-${index % GROUPS}`;
    this.groupRow = KEYS + (index % GROUPS);
    this.foreignKey = foreignKey(index % FOREIGN);
    this.foreignRow = KEYS + GROUPS + (index % FOREIGN);
    this.rows = [['own', index], ...this.#otherRows()];
  }

  #otherRows(): [keyof Value, number][] {
    if (this.kind === 'set' || this.kind === 'negative') return [];
    return this.kind === 'foreign' || this.kind === 'read'
      ? [['foreign', this.foreignRow]]
      : [['group', this.groupRow]];
  }

  /** Always the same, once there is a repository. */
  options(): GetOrLoadOptions<Loaded> {
    return (this.#options ??= this.#makeOptions());
  }

  #makeOptions(): GetOrLoadOptions<Loaded> {
    const { ownTag, groupTag } = this;
    switch (this.kind) {
      case 'tag':
      case 'changed':
        return { tags: [ownTag, groupTag] };
      case 'stale':
        return { tags: [ownTag, groupTag], ttl: '30ms', staleFor: '300ms' };
      case 'many tags':
        return { tags: [ownTag, ...OTHER_TAGS, groupTag] };
      case 'negative':
        return { tags: [ownTag] };
      case 'entity':
        return { tags: [groupTag], dependsOn: this.dependency ? [this.dependency] : [] };
      case 'key':
      case 'pattern':
        return { tags: [groupTag] };
      case 'fail-safe':
        return { tags: [groupTag], ttl: '60ms', failSafe: '2s' };
      case 'foreign':
        return { tags: [ownTag], dependsOn: [this.foreignKey] };
      case 'found':
      case 'late':
      case 'read':
      case 'set':
        return {};
    }
  }

  /** @param pause takes a random time, between any two things that a loader does */
  async load(
    context: LoadContext,
    state: SharedState,
    redis: Redis,
    pause: () => Promise<void>,
  ): Promise<Loaded> {
    if (this.kind === 'found') {
      await context.dependOn({ tags: [this.ownTag, this.groupTag] });
    }
    await pause();
    const own = state.read(this.index);
    await pause();
    const hasRow = (name: keyof Value) => this.rows.some(([one]) => one === name);
    const value: Value = {
      own,
      ...(hasRow('group') && { group: state.read(this.groupRow) }),
      ...(hasRow('foreign') && { foreign: await this.#readForeign(context, redis) }),
    };
    if (this.kind === 'late') context.addTags(this.ownTag, this.groupTag);
    await pause();
    return this.kind === 'negative' && own % 2 === 0 ? null : value;
  }

  /** Says that the entry's own row has changed. @throws if it is not acknowledged */
  async invalidate({ cache, notes }: Invalidator): Promise<void> {
    switch (this.kind) {
      case 'tag':
      case 'negative':
      case 'many tags':
      case 'stale':
      case 'found':
      case 'late':
      case 'foreign':
        await cache.invalidateTags(this.ownTag);
        return;
      case 'changed':
        await cache.change({ tags: [this.ownTag] }, () => undefined);
        return;
      case 'entity':
        await notes.save({ id: String(this.index), text: 'written' });
        return;
      case 'pattern':
        await cache.invalidatePattern(`pattern:*${this.index}*`);
        return;
      case 'key':
      case 'read':
      case 'fail-safe':
      case 'set':
        await cache.delete(this.name);
    }
  }

  async #readForeign(context: LoadContext, redis: Redis): Promise<number | null> {
    const text =
      this.kind === 'read' ? await context.read(this.foreignKey) : await redis.get(this.foreignKey);
    return text === null ? null : Number(text);
  }
}

const OTHER_TAGS = Array.from({ length: 6 }, (_, n) => `other-${n}`);

export function foreignKey(n: number): string {
  return `foreign:${n}`;
}

export const ALL_KEYS: readonly HistoryKey[] = Array.from(
  { length: KEYS },
  (_, index) => new HistoryKey(index),
);
