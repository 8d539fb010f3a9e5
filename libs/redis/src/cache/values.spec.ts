import { describe, expect, it } from '@jest/globals';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { bodyOf, kindOf, resultOf } from './values.js';

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
    expect(resultOf({ ...found, kind, body: '' }, 150, 'k', undefined)).toEqual({
      value: none,
      status: 'hit',
      ageMs: 50,
    });
  });

  it('comes back as JSON has it, to each caller anew, and is never younger than new', () => {
    const body = bodyOf({ at: new Date(0) }, 'k', undefined);
    const loaded = { ...found, kind: 'v', body } as const;
    const results = [1, 2].map(() => resultOf(loaded, 90, 'k', undefined));
    expect(results[0]).toEqual({
      value: { at: '1970-01-01T00:00:00.000Z' },
      status: 'hit',
      ageMs: 0,
    });
    expect(results[0]?.value).not.toBe(results[1]?.value);
  });

  it('is what its serializer makes of it, which is not asked where there is none', () => {
    const serializer = { serialize: (value: unknown) => `<${String(value)}>`, deserialize: String };
    expect(bodyOf(5n, 'k', serializer)).toBe('<5>');
    expect(bodyOf(null, 'k', serializer)).toBe('');
    const loaded = { ...found, kind: 'v', body: '<5>' } as const;
    expect(resultOf(loaded, 100, 'k', serializer).value).toBe('<5>');
  });

  it('that JSON cannot hold, or that is none, is refused with the name of its key', () => {
    expect(() => bodyOf(1n, 'k', undefined)).toThrow(RedisSerializationException);
    const torn = { ...found, kind: 'v', body: '{"secret' } as const;
    expect(() => resultOf(torn, 100, 'the key', undefined)).toThrow(/the key/);
    expect(() => resultOf(torn, 100, 'the key', undefined)).not.toThrow(/secret/);
  });
});
