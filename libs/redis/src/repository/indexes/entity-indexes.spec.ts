import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisValidationException } from '../../errors/redis-validation.exception.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { EntityIndexes, hasValue } from './entity-indexes.js';

const keys = new KeyBuilder({ app: 'myapp', environment: 'test' });
const indexes = new EntityIndexes(
  {
    entity: Object,
    kind: 'user',
    ttlMs: undefined,
    validateOnRead: false,
    id: { property: 'id', isNumber: false },
    indexes: new Map([
      ['country', { unique: false }],
      ['email', { unique: true }],
    ]),
  },
  keys,
);
const entriesFor = (entity: object) => indexes.entriesFor(JSON.stringify(entity));
const keyFor = (country: unknown) => entriesFor({ country })[0]?.key;

describe('EntityIndexes', () => {
  it('writes the documented keys', () => {
    expect(entriesFor({ country: 'FR', email: 'a@b.c', name: 'x' })).toEqual([
      { property: 'country', unique: false, value: 'FR', key: 'index:myapp:test:user:country:FR' },
      {
        property: 'email',
        unique: true,
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

  it('tells whether stored text has a value, as it was written', () => {
    const at = new Date(0);
    const [first] = indexes.criteria({ country: at });
    expect(hasValue(JSON.stringify({ country: at }), first)).toBe(true);
    expect(hasValue(JSON.stringify({ country: 'FR' }), first)).toBe(false);
    expect(hasValue('{}', first)).toBe(false);
    expect(hasValue('{', first)).toBeUndefined();
  });

  it('looks for a unique value first', () => {
    const [first, ...others] = indexes.criteria({ country: 'FR', name: 'Ada', email: 'a@b.c' });
    expect(first).toMatchObject({ property: 'email', unique: true });
    expect(others).toEqual([
      { property: 'country', value: 'FR' },
      { property: 'name', value: 'Ada' },
    ]);
  });

  it.each([
    [{}, /at least one property that is marked @Indexed\(\) \(there are: country, email\)/],
    [{ name: 'Ada' }, /name: at least one property/],
    [{ email: undefined }, /email of type undefined/],
    [{ email: 'a@b.c', country: null }, /country of type object/],
  ])('refuses to look for %j', (criteria, message) => {
    expect(() => indexes.criteria(criteria)).toThrow(RedisConfigurationException);
    expect(() => indexes.criteria(criteria)).toThrow(message);
  });
});
