import { createHash } from 'node:crypto';
import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import type { KeyBuilder } from '../../keys/key-builder.js';
import { siblingOf } from '../../keys/sibling.js';
import type { EntitySchema } from '../entity/entity-schema.js';
import { asText, valueOf } from './conditions.js';
import { rankOf } from './rank.js';

/** One value under which an entity can be found. */
export interface IndexEntry {
  readonly property: string;
  readonly kind: IndexKind;
  /** The value as text; in a range its rank. */
  readonly value: string;
  readonly key: string;
}

/**
 * At the key of a `unique` entry stands the ownership of one entity. At that of a `set` stands a sorted set
 * of the ids of all entities with the value, at that of a `range` one of the ranks and ids of all entities.
 */
export type IndexKind = 'unique' | 'set' | 'range';

/** The entries of an entity by the ways in which they are written. */
export type EntriesByKind = Readonly<Record<`${IndexKind}s`, readonly IndexEntry[]>>;

/** A longer value stands in its key as a hash: keys are kept in memory, and travel with each command. */
const LONGEST_IN_KEY = 200;

/**
 * Tells which index entries an entity has, from its stored text alone: writing and reading look at the same
 * thing.
 *
 * @internal
 */
export class EntityIndexes {
  readonly #schema: EntitySchema;
  readonly #keys: KeyBuilder;

  constructor(schema: EntitySchema, keys: KeyBuilder) {
    this.#schema = schema;
    this.#keys = keys;
  }

  get isEmpty(): boolean {
    return this.#schema.indexes.size === 0;
  }

  /**
   * The entries of a text that is about to be written.
   *
   * @throws RedisValidationException if a value cannot be indexed
   */
  entriesFor(text: string): IndexEntry[] {
    const plain = parse(text);
    const entries: IndexEntry[] = [];
    for (const [property, { unique, range }] of this.#schema.indexes) {
      const value = valueOf(plain, property);
      if (value === null || value === undefined) continue;
      const indexed = asText(value);
      if (indexed === undefined) throw this.#unfit(property, TEXT);
      if (unique) entries.push(this.entry('unique', property, indexed));
      else if (!range) entries.push(this.entry('set', property, indexed));
      if (!range) continue;
      const rank = rankOf(value);
      if (rank === undefined) throw this.#unfit(property, RANK);
      entries.push(this.entry('range', property, rank));
    }
    return entries;
  }

  /** The entries of a stored text; none if it cannot be read. */
  entriesOf(text: string | null): IndexEntry[] {
    try {
      return text === null ? [] : this.entriesFor(text);
    } catch {
      return []; // corrupt: the entries that point here are checked when they are read
    }
  }

  /** The entries that the stored text had and an entity with these does not have any more. */
  entriesLost(stored: string | null, entries: readonly IndexEntry[]): IndexEntry[] {
    const kept = new Set(entries.map(nameOf));
    return this.entriesOf(stored).filter((entry) => !kept.has(nameOf(entry)));
  }

  /** @param value as text; the rank for a range */
  entry(kind: IndexKind, property: string, value: string): IndexEntry {
    const { kind: entity } = this.#schema;
    const first = kind === 'set' ? 'index' : kind;
    const parts = kind === 'range' ? [] : partsOf(value);
    return { property, kind, value, key: this.#keys.key(first, entity, property, ...parts) };
  }

  #unfit(property: string, expected: string): RedisValidationException {
    const messages = [`must be ${expected}`];
    return new RedisValidationException(this.#schema.kind, [{ property, messages }]);
  }
}

const TEXT = 'a string, a number, a boolean or a date, because it is indexed';
const RANK = 'a finite number or a date, because it is indexed with range';

export function byKind(entries: readonly IndexEntry[]): EntriesByKind {
  const of = (kind: IndexKind) => entries.filter((entry) => entry.kind === kind);
  return { uniques: of('unique'), sets: of('set'), ranges: of('range') };
}

/** Under what an entity stands in the sorted set of an entry. */
export function memberOf({ kind, value }: IndexEntry, id: string): string {
  return kind === 'range' ? value + id : id;
}

/** The key, in the slot of a range index, at which stands when each of its entries ends. */
export function endsOf({ key }: Pick<IndexEntry, 'key'>): string {
  return siblingOf(key, 'ends');
}

/** The properties of a stored text; `undefined` for a text that cannot be read. */
export function plainOf(text: string): object | undefined {
  try {
    const plain: unknown = parse(text);
    return typeof plain === 'object' ? (plain ?? undefined) : {};
  } catch {
    return undefined;
  }
}

/** Whether the properties are those of an entity with this entry. */
export function hasEntry(plain: object, { property, kind, value }: IndexEntry): boolean {
  const stored = valueOf(plain, property);
  return (kind === 'range' ? rankOf(stored) : asText(stored)) === value;
}

/** Whether stored text does not have the entry; a text that cannot be read may have it. */
export function isStale(stored: string | null, entry: IndexEntry): boolean {
  if (stored === null) return true;
  const plain = plainOf(stored);
  return plain !== undefined && !hasEntry(plain, entry);
}

function nameOf({ key, kind, value }: IndexEntry): string {
  return kind === 'range' ? key + value : key;
}

/** A number of parts that is different in each case, so that no value can pose as another's hash. */
function partsOf(value: string): string[] {
  if (value === '') return [];
  if (value.length <= LONGEST_IN_KEY) return [value];
  // As it is in memory: in UTF-8 all lone surrogates would be the same.
  return ['sha256', createHash('sha256').update(value, 'utf16le').digest('hex')];
}

function parse(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}
