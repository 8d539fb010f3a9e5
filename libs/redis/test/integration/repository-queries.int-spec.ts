/**
 * Random operations and queries with hostile ids and values, against a plain map that says what has to
 * come of them.
 */
import { describe, expect, it } from '@jest/globals';
import { Type } from 'class-transformer';
import fc from 'fast-check';
import {
  EntityId,
  Indexed,
  inRange,
  oneOf,
  RedisEntity,
  type Criteria,
  type RangeBounds,
  type RedisRepository,
} from '../../src/index.js';
import { encodePart } from '../../src/keys/key-encoding.js';
import { meetsCriteria } from '../../src/testing/index.js';
import { onCluster, onOneServer, type Stage } from './support/repository-servers.js';

@RedisEntity({ kind: 'item' })
class Item {
  @EntityId() id!: string;
  @Indexed() group!: string;
  @Indexed({ range: true }) size?: number | null;
  @Indexed({ range: true }) @Type(() => Date) at?: Date;
  weight!: number;
}

type Model = Map<string, Item>;
type Act = (items: RedisRepository<Item>, model: Model) => Promise<void>;

const LARGE = 'L'.repeat(2 ** 20);
const IDS = ['1', '2', 'é', '\uffee', '\ud800', '__proto__', 'a:b', '*', '{x}', '😀'];
const id = fc.constantFrom(...IDS);
const group = fc.oneof(
  {
    weight: 20,
    arbitrary: fc.constantFrom('', 'a', '__proto__', 'constructor', '*', '{x}', 'a:b'),
  },
  { weight: 1, arbitrary: fc.constant(LARGE) },
);
const number = fc.constantFrom(-1e300, -2, -1.5, -0, 0, 0.1, 1, 2, 1e300);
const date = fc.constantFrom(...[-1, 0, 1, 1e12].map((ms) => new Date(ms)));
const item = fc
  .record(
    { id, group, size: fc.option(number, { freq: 4 }), at: date, weight: number },
    { requiredKeys: ['id', 'group', 'weight'] },
  )
  .map((given) => Object.assign(new Item(), given));

const bounds = <V>(value: fc.Arbitrary<V>): fc.Arbitrary<RangeBounds<V>> => {
  const lower = fc.oneof(fc.record({ gte: value }), fc.record({ gt: value }));
  const upper = fc.oneof(fc.record({ lte: value }), fc.record({ lt: value }));
  const both = fc.tuple(lower, upper).map(([low, high]) => ({ ...low, ...high }));
  return fc.oneof(lower, upper, both);
};
const few = <V>(value: fc.Arbitrary<V>) =>
  fc.array(value, { maxLength: 4 }).map((some) => oneOf(some));
const criteria: fc.Arbitrary<Criteria<Item>> = fc.record(
  {
    group: fc.oneof(group, few(group)),
    size: fc.oneof(
      number,
      few(number),
      bounds(number).map((given) => inRange(given)),
    ),
    at: fc.oneof(
      date,
      bounds(date).map((given) => inRange(given)),
    ),
    weight: fc.oneof(
      number,
      bounds(number).map((given) => inRange(given)),
    ),
  },
  { requiredKeys: [] },
);

interface Sort {
  readonly sortBy: 'size' | 'at';
  readonly order: 'asc' | 'desc';
}
const sort: fc.Arbitrary<Sort> = fc.record({
  sortBy: fc.constantFrom('size', 'at'),
  order: fc.constantFrom('asc', 'desc'),
});

const isIndexed = (given: Criteria<Item>) => ['group', 'size', 'at'].some((name) => name in given);

const idsOf = (items: readonly Item[]) => items.map((one) => one.id);

const compareIds = (a: Item, b: Item) =>
  Buffer.compare(Buffer.from(encodePart(a.id, 'id')), Buffer.from(encodePart(b.id, 'id')));

function meant(model: Model, given: Criteria<Item>, { sortBy, order }: Partial<Sort>): Item[] {
  const found = [...model.values()].filter((one) => meetsCriteria(one, given));
  if (!sortBy) return found;
  const sign = order === 'desc' ? -1 : 1;
  return found
    .filter((one) => one[sortBy] !== undefined && one[sortBy] !== null)
    .sort((a, b) => sign * (Number(a[sortBy]) - Number(b[sortBy]) || compareIds(a, b)));
}

const acts: fc.Arbitrary<Act>[] = [
  item.map((given) => async (items, model) => {
    await items.save(given);
    model.set(given.id, given);
  }),
  fc.array(item, { maxLength: 6 }).map((given) => async (items, model) => {
    await items.saveAll(given);
    for (const one of given) model.set(one.id, one);
  }),
  fc
    .tuple(id, fc.record({ size: number, at: date }, { requiredKeys: [] }))
    .map(([id, patch]) => async (items, model) => {
      const updated = await items.update(id, patch);
      if (updated) model.set(id, updated);
      else expect(model.has(id)).toBe(false);
    }),
  id.map((id) => async (items, model) => {
    expect(await items.delete(id)).toBe(model.delete(id));
  }),
  criteria.filter(isIndexed).map((given) => async (items, model) => {
    const ids = idsOf(meant(model, given, {}));
    expect(idsOf(await items.findBy(given)).sort()).toEqual([...ids].sort());
    expect(await items.countBy(given)).toBe(ids.length);
    const one = await items.findOneBy(given);
    expect(one === null ? ids : ids.includes(one.id)).toEqual(one === null ? [] : true);
  }),
  fc
    .tuple(criteria, sort, fc.integer({ min: 1, max: 4 }))
    .map(([given, options, limit]) => async (items, model) => {
      const ids = idsOf(meant(model, given, options));
      expect(idsOf(await items.findBy(given, options))).toEqual(ids);
      expect(idsOf(await items.findBy(given, { ...options, limit }))).toEqual(ids.slice(0, limit));
      let cursor: string | null = null;
      for (let from = 0; from === 0 || cursor !== null; from += limit) {
        const page = await items.pageBy(given, { ...options, limit, cursor });
        expect(idsOf([...page.entities])).toEqual(ids.slice(from, from + limit));
        expect(page.cursor === null).toBe(from + limit >= ids.length);
        cursor = page.cursor;
      }
    }),
];

const sequences = fc.array(fc.oneof(...acts), { minLength: 5, maxLength: 30 });

function expectWhatAMapSays(stage: Stage): Promise<void> {
  return fc.assert(
    fc.asyncProperty(sequences, async (sequence) => {
      const items = stage.repository(Item);
      const model: Model = new Map();
      for (const act of sequence) await act(items, model);
    }),
    { numRuns: 30, seed: 16, endOnFailure: true },
  );
}

describe('Queries find what a map has', () => {
  onOneServer((stage) => {
    it('after any operations, in any order', () => expectWhatAMapSays(stage));
  });
  onCluster((stage) => {
    it('after any operations, with indexes in other slots', () => expectWhatAMapSays(stage));
  });
});
