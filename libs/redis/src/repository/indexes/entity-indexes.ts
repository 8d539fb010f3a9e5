import { createHash } from 'node:crypto';
import { types } from 'node:util';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import type { KeyBuilder } from '../../keys/key-builder.js';
import type { EntitySchema } from '../entity/entity-schema.js';

/** One value under which an entity can be found. */
export interface IndexEntry {
  readonly property: string;
  /** At the key of a unique entry stands the ownership of one entity, at any other a sorted set of ids. */
  readonly unique: boolean;
  readonly value: string;
  readonly key: string;
}

/** A property and the value, as text, that it should have. */
export type Criterion = Pick<IndexEntry, 'property' | 'value'>;

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
    return [...this.#schema.indexes.keys()].flatMap((property) => {
      const value = plain[property];
      if (value === null || value === undefined) return [];
      const indexed = asText(value);
      if (indexed !== undefined) return [this.#entry(property, indexed)];
      const messages = ['must be a string, a number, a boolean or a date, because it is indexed'];
      throw new RedisValidationException(this.#schema.kind, [{ property, messages }]);
    });
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
    const kept = new Set(entries.map(({ key }) => key));
    return this.entriesOf(stored).filter(({ key }) => !kept.has(key));
  }

  /**
   * Tells what to look for when entities with these values are wanted, a unique value first. At least one
   * property has to be indexed.
   *
   * @throws RedisConfigurationException if none is, or a value cannot be looked for
   */
  criteria(values: object): [IndexEntry, ...Criterion[]] {
    const criteria = Object.entries(values).map(([property, value]) => {
      const text = asText(types.isDate(value) ? value.toJSON() : value);
      if (text === undefined) throw this.#notSearchable(property, typeof value);
      return { property, value: text };
    });
    const indexed = criteria.filter(({ property }) => this.#schema.indexes.has(property));
    const first = indexed.find((criterion) => this.#isUnique(criterion)) ?? indexed[0];
    if (!first) throw this.#notIndexed(criteria);
    const others = criteria.filter((criterion) => criterion !== first);
    return [this.#entry(first.property, first.value), ...others];
  }

  #isUnique({ property }: Pick<Criterion, 'property'>): boolean {
    return this.#schema.indexes.get(property)?.unique ?? false;
  }

  #notSearchable(property: string, type: string): RedisConfigurationException {
    const accepted = 'a string, a number, a boolean or a date to look for';
    return this.#refusal(`${property} of type ${type}`, accepted);
  }

  #notIndexed(criteria: readonly Criterion[]): RedisConfigurationException {
    const names = criteria.map(({ property }) => property).join(', ');
    const known = [...this.#schema.indexes.keys()].join(', ');
    const there = known === '' ? 'there are none yet' : `there are: ${known}`;
    return this.#refusal(names, `at least one property that is marked @Indexed() (${there})`);
  }

  #refusal(value: string, accepted: string): RedisConfigurationException {
    const setting = `findBy of ${this.#schema.kind}`;
    return new RedisConfigurationException([{ setting, value, accepted }]);
  }

  #entry(property: string, value: string): IndexEntry {
    const unique = this.#isUnique({ property });
    const kind = unique ? 'unique' : 'index';
    const parts = [this.#schema.kind, property, ...partsOf(value)] as const;
    return { property, unique, value, key: this.#keys.key(kind, ...parts) };
  }
}

/** Whether the stored text has this value; `undefined` for text that cannot be read. */
export function hasValue(text: string, { property, value }: Criterion): boolean | undefined {
  try {
    return asText(parse(text)[property]) === value;
  } catch {
    return undefined;
  }
}

/** Whether stored text does not have the value; a text that cannot be read may have it. */
export function isStale(stored: string | null, criterion: Criterion): boolean {
  return stored === null || hasValue(stored, criterion) === false;
}

/** A number of parts that is different in each case, so that no value can pose as another's hash. */
function partsOf(value: string): string[] {
  if (value === '') return [];
  if (value.length <= LONGEST_IN_KEY) return [value];
  // As it is in memory: in UTF-8 all lone surrogates would be the same.
  return ['sha256', createHash('sha256').update(value, 'utf16le').digest('hex')];
}

function asText(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
    case 'boolean':
      return String(value);
    default:
      return undefined;
  }
}

function parse(text: string): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}
