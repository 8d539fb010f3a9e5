import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import type { EntitySchema } from '../entity/entity-schema.js';
import { conditionsOf, type Condition } from './conditions.js';
import type { EntityIndexes, IndexEntry } from './entity-indexes.js';
import { memberIn, type Sort } from './position.js';
import { EVERYTHING, type Span } from './spans.js';

/** The most entities that may be asked for at once. */
const MOST_ENTITIES = 1_000;

/** Describes the entities to look for, and the indexes that have them. */
export interface Query {
  readonly conditions: readonly Condition[];
  /** Indexes, in each of which stand all entities that meet the conditions; none that the sort does not need. */
  readonly sources: readonly Source[];
  readonly sort?: Sort & { readonly source: RangeSource; readonly after: string | undefined };
  readonly limit: number | undefined;
  /** Whether the entities are only counted: their texts are not kept then. */
  readonly isCount?: boolean;
}

export type Source = EntrySource | RangeSource;

/** The entries of some values. */
export interface EntrySource {
  readonly kind: 'unique' | 'set';
  readonly entries: readonly IndexEntry[];
}

/** Parts of a range index. */
export interface RangeSource {
  readonly kind: 'range';
  readonly property: string;
  readonly key: string;
  readonly spans: readonly Span[];
}

/** The options of all methods that find entities. */
export interface QueryOptions {
  readonly sortBy?: string | undefined;
  readonly order?: 'asc' | 'desc' | undefined;
  readonly limit?: number | undefined;
  readonly cursor?: string | null | undefined;
}

/**
 * Decides which indexes can answer a question.
 *
 * @internal
 */
export class Queries {
  readonly #schema: EntitySchema;
  readonly #indexes: EntityIndexes;

  constructor(schema: EntitySchema, indexes: EntityIndexes) {
    this.#schema = schema;
    this.#indexes = indexes;
  }

  /**
   * @param operation the method, for messages
   * @throws RedisConfigurationException for what cannot be looked for: no property is indexed, a value is
   * none, the sort is by a property without range, the limit is not 1 to 1000
   * @throws RedisValidationException for a cursor that no page with this sort has given
   */
  queryOf(
    operation: string,
    criteria: object,
    { sortBy, order = 'asc', limit, cursor }: QueryOptions,
  ): Query {
    const refuse = (value: string, accepted: string) =>
      new RedisConfigurationException([
        { setting: `${operation} of ${this.#schema.kind}`, value, accepted },
      ]);
    const conditions = conditionsOf(criteria, (property, value, accepted) =>
      refuse(`${property} ${value}`, accepted),
    );
    const unfit = conditions.find(
      (one) => !one.spans && this.#schema.indexes.get(one.property)?.range,
    );
    if (unfit) throw refuse(`${unfit.property} with another value`, 'a number or a date');
    refuseUnfitLimit(limit);
    if (!ORDERS.has(order)) throw refuse(`order ${typeof order}`, "'asc' or 'desc'");
    if (sortBy === undefined) {
      const sources = this.#sourcesOf(conditions);
      if (sources.length === 0) throw this.#notIndexed(conditions, refuse);
      return { conditions, sources, limit };
    }
    if (this.#schema.indexes.get(sortBy)?.range !== true) {
      throw refuse(`sortBy ${sortBy}`, this.#ranged());
    }
    const sort = { property: sortBy, order };
    const others = conditions.filter(({ property }) => property !== sortBy);
    const spans = conditions.find(({ property }) => property === sortBy)?.spans ?? [EVERYTHING];
    const after = typeof cursor === 'string' ? memberIn(cursor, sort) : undefined;
    return {
      conditions,
      sources: this.#sourcesOf(others),
      sort: { ...sort, source: this.#range(sortBy, spans), after },
      limit,
    };
  }

  /** For methods that need a sort. */
  unsorted(operation: string): RedisConfigurationException {
    const setting = `sortBy of ${operation} of ${this.#schema.kind}`;
    const problem = { setting, value: 'undefined', accepted: this.#ranged() };
    return new RedisConfigurationException([problem]);
  }

  /** A unique value alone, because it has one entity at most. */
  #sourcesOf(conditions: readonly Condition[]): Source[] {
    const sources = conditions.flatMap((condition) => this.#sourceOf(condition) ?? []);
    const unique = sources.find(({ kind }) => kind === 'unique');
    return unique ? [unique] : sources;
  }

  #sourceOf({ property, values, spans }: Condition): Source | undefined {
    const index = this.#schema.indexes.get(property);
    if (!index) return undefined;
    const kind = index.unique ? 'unique' : 'set';
    if (values && (index.unique || !index.range)) {
      return { kind, entries: values.map((value) => this.#indexes.entry(kind, property, value)) };
    }
    return index.range && spans ? this.#range(property, spans) : undefined;
  }

  #range(property: string, spans: readonly Span[]): RangeSource {
    const { key } = this.#indexes.entry('range', property, '');
    return { kind: 'range', property, key, spans };
  }

  #notIndexed(
    conditions: readonly Condition[],
    refuse: (value: string, accepted: string) => Error,
  ): Error {
    const names = conditions.map(({ property }) => property).join(', ');
    const ranges = conditions.filter(({ values }) => !values).map(({ property }) => property);
    const isIndexed = ranges.some((property) => this.#schema.indexes.has(property));
    if (isIndexed) return refuse(names, `a range of ${this.#ranged()}`);
    const known = this.#named(() => true);
    return refuse(names, `at least one property that is marked @Indexed() (${known})`);
  }

  /** The properties that have a range, for messages. */
  #ranged(): string {
    const known = this.#named(({ range }) => range);
    return `a property that is marked @Indexed({ range: true }) (${known})`;
  }

  #named(isMeant: (index: { readonly range: boolean }) => boolean): string {
    const names = [...this.#schema.indexes].flatMap(([name, index]) =>
      isMeant(index) ? name : [],
    );
    return names.length === 0 ? 'there are none yet' : `there are: ${names.join(', ')}`;
  }
}

const ORDERS: ReadonlySet<unknown> = new Set(['asc', 'desc']);

/** @throws RedisConfigurationException */
function refuseUnfitLimit(limit: number | undefined): void {
  if (limit === undefined) return;
  if (Number.isInteger(limit) && limit >= 1 && limit <= MOST_ENTITIES) return;
  const accepted = `a whole number from 1 to ${MOST_ENTITIES}`;
  throw new RedisConfigurationException([{ setting: 'limit', value: String(limit), accepted }]);
}
