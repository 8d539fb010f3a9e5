import { describe, expect, it } from '@jest/globals';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { bodyOf, kindOf, valueOf } from './values.js';

const found = { status: 'hit', loadedAt: 100, isComplete: true } as const;

describe('A value', () => {
  it.each([0, '', false, Number.NaN, [], {}])('is one although it is %p', (value) => {
    expect(kindOf(value)).toBe('v');
  });

  it.each([
    ['n', null],
    ['u', undefined],
  ] as const)('is none of the kind %s where it is %p, and comes back as that', (kind, none) => {
    expect([kindOf(none), bodyOf(none, 'k', undefined)]).toEqual([kind, '']);
    expect(valueOf({ ...found, kind, body: '' }, 'k', undefined)).toBe(none);
  });

  it('comes back as JSON has it, to each caller anew', () => {
    const body = bodyOf({ at: 'now', none: undefined }, 'k', undefined);
    const loaded = { ...found, kind: 'v', body } as const;
    const values = [1, 2].map(() => valueOf(loaded, 'k', undefined));
    expect(values[0]).toStrictEqual({ at: 'now' });
    expect(values[0]).not.toBe(values[1]);
  });

  it('is what its serializer makes of it, which is not asked where there is none', () => {
    const serializer = { serialize: (value: unknown) => `<${String(value)}>`, deserialize: String };
    expect(bodyOf(5n, 'k', serializer)).toBe('<5>');
    expect(bodyOf(null, 'k', serializer)).toBe('');
    const loaded = { ...found, kind: 'v', body: '<5>' } as const;
    expect(valueOf(loaded, 'k', serializer)).toBe('<5>');
  });

  it('that JSON cannot hold, or that is none, is refused with the name of its key', () => {
    expect(() => bodyOf(1n, 'k', undefined)).toThrow(RedisSerializationException);
    expect(() => bodyOf({ at: new Date(0) }, 'k', undefined)).toThrow(/\$\.at is a Date/);
    const torn = { ...found, kind: 'v', body: '{"secret' } as const;
    expect(() => valueOf(torn, 'the key', undefined)).toThrow(/the key/);
    expect(() => valueOf(torn, 'the key', undefined)).not.toThrow(/secret/);
  });
});
