import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { byKind, endsOf, EntityIndexes, isStale, memberOf } from './entity-indexes.js';

const keys = new KeyBuilder({ app: 'myapp', environment: 'test' });
const indexes = new EntityIndexes(
  {
    entity: Object,
    kind: 'user',
    ttlMs: undefined,
    validateOnRead: false,
    id: { property: 'id', isNumber: false },
    indexes: new Map([
      ['country', { unique: false, range: false, path: [] }],
      ['email', { unique: true, range: false, path: [] }],
      ['points', { unique: false, range: true, path: [] }],
      ['home.geo.city', { unique: false, range: false, path: [] }],
      ['number', { unique: true, range: true, path: [] }],
    ]),
  },
  keys,
);
const entriesFor = (entity: object) => indexes.entriesFor(JSON.stringify(entity));
const keyFor = (country: unknown) => entriesFor({ country })[0]?.key;

describe('EntityIndexes', () => {
  it('writes the documented keys', () => {
    expect(entriesFor({ country: 'FR', email: 'a@b.c', name: 'x' })).toEqual([
      { property: 'country', kind: 'set', value: 'FR', key: 'index:myapp:test:user:country:FR' },
      {
        property: 'email',
        kind: 'unique',
        value: 'a@b.c',
        key: 'unique:myapp:test:user:email:a@b.c',
      },
    ]);
  });

  it('leaves out what has no value', () => {
    expect(entriesFor({ country: null })).toEqual([]);
  });

  it.each([[{ country: ['FR'] }], [{ country: { code: 'FR' } }]])('refuses %j', (entity) => {
    expect(() => entriesFor(entity)).toThrow(RedisValidationException);
    expect(indexes.entriesOf(JSON.stringify(entity))).toEqual([]);
  });

  it('finds no entries in what cannot be read', () => {
    expect(indexes.entriesOf('{')).toEqual([]);
    expect(indexes.entriesOf('null')).toEqual([]);
    expect(indexes.entriesOf(null)).toEqual([]);
  });

  it('gives different values different keys, of a bounded length', () => {
    const values = fc.oneof(
      fc.string(),
      fc.string({ minLength: 190, maxLength: 400 }),
      fc.constantFrom('', 'sha256', 'a:b', '%', '\ud800', '*', '{x}'),
    );
    fc.assert(
      fc.property(values, values, (a, b) => {
        expect(keyFor(a) === keyFor(b)).toBe(a === b);
        expect(keyFor(a)?.length).toBeLessThan(1_300); // 200 characters of up to 6 each
      }),
      { numRuns: 1_000 },
    );
  });

  it('writes the documented keys and members of ranges', () => {
    const [entry] = entriesFor({ points: 5 });
    expect(entry).toEqual({
      property: 'points',
      kind: 'range',
      value: 'c014000000000000',
      key: 'range:myapp:test:user:points',
    });
    expect(entry && memberOf(entry, 'u1')).toBe('c014000000000000u1');
    expect(entry && endsOf(entry)).toBe('{range:myapp:test:user:points}:ends');
  });

  it('finds values in nested objects, and only their own', () => {
    const [entry] = entriesFor({ home: { geo: { city: 'Paris' } } });
    expect(entry?.key).toBe('index:myapp:test:user:home.geo.city:Paris');
    expect(entriesFor({ 'home.geo.city': 'Paris' })).toEqual([entry]);
    for (const home of [null, 'geo', {}, { geo: 5 }, { geo: { town: 'Paris' } }]) {
      expect(entriesFor({ home })).toEqual([]);
    }
    expect(() => entriesFor({ home: { geo: { city: ['Paris'] } } })).toThrow('home.geo.city: must');
  });

  it('writes two entries for a value that is unique and has a range', () => {
    const { uniques, sets, ranges } = byKind(entriesFor({ number: 1, country: 'FR' }));
    expect(
      [uniques, sets, ranges].map((entries) => entries.map(({ property }) => property)),
    ).toEqual([['number'], ['country'], ['number']]);
  });

  it.each([[{ points: 'many' }], [{ points: true }], [{ points: '2024' }]])(
    'refuses a value without a rank: %j',
    (entity) => {
      expect(() => entriesFor(entity)).toThrow('must be a finite number or a date');
    },
  );

  it('tells which entries an entity has lost', () => {
    const before = JSON.stringify({ country: 'FR', points: 1 });
    const lost = indexes.entriesLost(before, entriesFor({ country: 'FR', points: 2 }));
    expect(lost).toEqual(entriesFor({ points: 1 }));
    expect(indexes.entriesLost(before, entriesFor({ country: 'FR', points: 1 }))).toEqual([]);
  });

  it('tells whether stored text has an entry, as it was written', () => {
    const at = new Date(0);
    for (const [value, others] of [
      [{ country: at }, [{ country: 'FR' }, {}]],
      [{ points: at }, [{ points: 1 }, {}]],
    ] as const) {
      const entry = entriesFor(value)[0];
      expect(entry && isStale(JSON.stringify(value), entry)).toBe(false);
      for (const other of others) expect(entry && isStale(JSON.stringify(other), entry)).toBe(true);
      expect(entry && isStale(null, entry)).toBe(true);
      expect(entry && isStale('{', entry)).toBe(false);
    }
  });
});
