import { describe, expect, it } from '@jest/globals';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { inRange, oneOf } from '../criteria.js';
import { valueOf } from './conditions.js';
import type { EntitySchema } from '../entity/entity-schema.js';
import { EntityIndexes } from './entity-indexes.js';
import { cursorOf } from './position.js';
import { Queries, type QueryOptions } from './queries.js';
import { rankOf } from './rank.js';

const schema: EntitySchema = {
  entity: Object,
  kind: 'user',
  ttlMs: undefined,
  validateOnRead: false,
  id: { property: 'id', isNumber: false },
  indexes: new Map([
    ['country', { unique: false, range: false, path: [] }],
    ['email', { unique: true, range: false, path: [] }],
    ['points', { unique: false, range: true, path: [] }],
    ['number', { unique: true, range: true, path: [] }],
  ]),
};
const keys = new KeyBuilder({ app: 'myapp', environment: 'test' });
const queries = new Queries(schema, new EntityIndexes(schema, keys));
const queryOf = (criteria: object, options: QueryOptions = {}) =>
  queries.queryOf('findBy', criteria, options);
const sourcesOf = (criteria: object, options?: QueryOptions) =>
  queryOf(criteria, options).sources.map((source) =>
    source.kind === 'range'
      ? `${source.property} ${source.spans.length}`
      : source.entries.map(({ key }) => key).join(),
  );

describe('A query', () => {
  it('looks at the keys of the values', () => {
    expect(sourcesOf({ country: 'FR' })).toEqual(['index:myapp:test:user:country:FR']);
    expect(sourcesOf({ country: oneOf(['FR', 'DE', 'FR']) })).toEqual([
      'index:myapp:test:user:country:FR,index:myapp:test:user:country:DE',
    ]);
    expect(sourcesOf({ country: oneOf([]) })).toEqual(['']);
  });

  it('looks at a unique value alone', () => {
    expect(sourcesOf({ country: 'FR', name: 'Ada', points: 5, email: 'a@b.c' })).toEqual([
      'unique:myapp:test:user:email:a@b.c',
    ]);
    expect(sourcesOf({ number: 5 })).toEqual(['unique:myapp:test:user:number:5']);
  });

  it('looks at parts of a range', () => {
    expect(sourcesOf({ points: inRange({ gte: 1 }) })).toEqual(['points 1']);
    expect(sourcesOf({ points: oneOf([1, 2, -0, 0]) })).toEqual(['points 3']);
    expect(sourcesOf({ number: inRange({ lt: 1 }) })).toEqual(['number 1']);
    expect(sourcesOf({ country: 'FR', points: 5 })).toHaveLength(2);
  });

  it('needs no other index with a sort', () => {
    const query = queryOf({ points: inRange({ gt: 1, lte: 2 }) }, { sortBy: 'points' });
    expect(query.sources).toEqual([]);
    const [one, two] = [1 + Number.EPSILON, 2 + 2 * Number.EPSILON].map(rankOf);
    expect(query.sort?.source.spans).toEqual([{ min: `[${one}`, max: `(${two}` }]);
    expect(queryOf({}, { sortBy: 'number', order: 'desc' }).sort).toMatchObject({
      source: { key: 'range:myapp:test:user:number', spans: [{ min: '-', max: '+' }] },
    });
  });

  it('compares every value of the criteria, whichever index is used', () => {
    const { conditions } = queryOf({ country: 'FR', age: inRange({ gte: 18 }), name: 'Ada' });
    expect(conditions.map(({ property }) => property)).toEqual(['country', 'age', 'name']);
    const [, age] = conditions;
    expect([18, 17.9, '18', undefined].map((value) => age?.isMetBy(value))).toEqual([
      true,
      false,
      false,
      false,
    ]);
  });

  it('compares values of nested objects, and none of their prototypes', () => {
    const { conditions } = queryOf({
      country: 'FR',
      'home.city': 'Paris',
      'constructor.name': 'Object',
    });
    const meets = (entity: object) =>
      conditions.map(({ property, isMetBy }) => isMetBy(valueOf(entity, property)));
    expect(meets({ country: 'FR', home: { city: 'Paris' } })).toEqual([true, true, false]);
    expect(meets({ home: 'Paris', constructor: { name: 'Object' } })).toEqual([false, false, true]);
  });

  it.each<[object, RegExp]>([
    [{}, /at least one property that is marked @Indexed\(\) \(there are: country, email, points/],
    [{ name: 'Ada' }, /name: at least one property/],
    [{ email: undefined }, /email of type undefined/],
    [{ email: 'a@b.c', country: null }, /country of type null/],
    [{ country: { oneOf: ['FR'] } }, /country of type object/],
    [{ points: { gte: 1 } }, /points of type object/],
    [{ points: NaN }, /points NaN: a string/],
    [{ points: Infinity }, /points Infinity: a string/],
    [{ points: new Date(NaN) }, /points an invalid date/],
    [{ points: 'many' }, /points with another value: a number or a date/],
    [{ points: oneOf([1, NaN]) }, /points NaN/],
    [{ country: oneOf('FR' as never) }, /country oneOf of type string: a list/],
    [{ country: oneOf(Array.from({ length: 101 }, String)) }, /oneOf 101 values: at most 100/],
    [{ country: inRange({ gte: 1 }) }, /country: a range of a property .* \(there are: points, n/],
    [{ points: inRange({}) }, /points inRange without bounds: one or two/],
    [{ points: inRange({ gte: 1, gt: 1 }) }, /two bounds at one end/],
    [{ points: inRange({ lte: 1, lt: 1 }) }, /two bounds at one end/],
    [{ points: inRange({ gte: undefined } as never) }, /points gte of type undefined: a finite/],
    [{ points: inRange({ gte: NaN }) }, /points gte NaN/],
    [{ points: inRange({ lt: Infinity }) }, /points lt Infinity/],
    [{ points: inRange({ lt: new Date(NaN) }) }, /points lt an invalid date/],
    [{ points: inRange({ gte: '1' } as never) }, /points gte of type string/],
    [{ points: inRange({ min: 1 } as never) }, /inRange with min: one or two bounds/],
    [{ points: inRange(null as never) }, /points of type null: one or two bounds/],
  ])('refuses to look for %j', (criteria, message) => {
    expect(() => queryOf(criteria)).toThrow(RedisConfigurationException);
    expect(() => queryOf(criteria)).toThrow(message);
  });

  it.each<[QueryOptions, RegExp]>([
    [{ sortBy: 'country' }, /sortBy country: .*range: true }\) \(there are: points, number\)/],
    [{ sortBy: '__proto__' }, /sortBy __proto__/],
    [{ sortBy: 'points', order: 'up' as 'asc' }, /'asc' or 'desc'/],
    [{ limit: 0 }, /limit=0: a whole number from 1 to 1000/],
    [{ limit: 1_001 }, /limit=1001/],
    [{ limit: Infinity }, /limit=Infinity/],
  ])('refuses the options %j', (options, message) => {
    expect(() => queryOf({ country: 'FR' }, options)).toThrow(RedisConfigurationException);
    expect(() => queryOf({ country: 'FR' }, options)).toThrow(message);
  });

  it('says that there is no index at all', () => {
    const none = { ...schema, indexes: new Map() };
    const all = new Queries(none, new EntityIndexes(none, keys));
    expect(() => all.queryOf('countBy', { name: 'Ada' }, {})).toThrow(/countBy of user=name.*yet/);
  });
});

describe('A cursor', () => {
  const sort = { property: 'points', order: 'asc' } as const;
  const member = `${rankOf(5)}a%3Ab😀é`;
  const withCursor = (cursor: string, order: 'asc' | 'desc' = 'asc') =>
    queryOf({}, { sortBy: 'points', order, cursor }).sort?.after;

  it('leads behind the last entity of the page before', () => {
    expect(withCursor(cursorOf(sort, member))).toBe(member);
    expect(queryOf({}, { sortBy: 'points', cursor: null }).sort?.after).toBeUndefined();
  });

  it.each([
    ['', 'not one that a page has given'],
    ['made up', 'not one that a page has given'],
    [Buffer.from('[]').toString('base64url'), 'not one that a page has given'],
    [Buffer.from('null').toString('base64url'), 'not one that a page has given'],
    [cursorOf(sort, 'x'), 'not one that a page has given'],
    [cursorOf(sort, rankOf(5) ?? ''), 'not one that a page has given'],
    [cursorOf(sort, `${rankOf(5)}a:b`), 'not one that a page has given'],
    [cursorOf(sort, `${rankOf(5)}*`), 'not one that a page has given'],
    [cursorOf({ ...sort, property: 'number' }, member), 'another sort'],
    [cursorOf({ ...sort, order: 'desc' }, member), 'another sort'],
  ])('is refused if no page with the same sort has given it: %s', (cursor, reason) => {
    expect(() => withCursor(cursor)).toThrow(RedisValidationException);
    expect(() => withCursor(cursor)).toThrow(reason);
  });
});
