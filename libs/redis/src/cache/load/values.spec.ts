import { describe, expect, it } from '@jest/globals';
import { RedisSerializationException } from '../../errors/redis-serialization.exception.js';
import { jsonSerializer } from '../../serialization/json-bodies.js';
import { bodyOf, kindOf, valueOf } from './values.js';

const found = { status: 'hit', loadedAt: 100, isComplete: true } as const;
const loaded = (body: Buffer | string) =>
  ({ ...found, kind: 'v', body: Buffer.from(body as string) }) as const;

describe('A value', () => {
  it.each([0, '', false, Number.NaN, [], {}])('is one although it is %p', (value) => {
    expect(kindOf(value)).toBe('v');
  });

  it.each([
    ['n', null],
    ['u', undefined],
  ] as const)('is none of the kind %s where it is %p, and comes back as that', (kind, none) => {
    const body = bodyOf(none, 'k', jsonSerializer);
    expect([kindOf(none), body]).toEqual([kind, Buffer.alloc(0)]);
    expect(valueOf({ ...found, kind, body }, 'k', jsonSerializer)).toBe(none);
  });

  it('comes back as its serializer has it, to each caller anew', () => {
    const body = bodyOf({ list: ['é'] }, 'k', jsonSerializer);
    const values = [1, 2].map(() => valueOf(loaded(body), 'k', jsonSerializer));
    expect(values[0]).toEqual({ list: ['é'] });
    expect(values[0]).not.toBe(values[1]);
  });

  it('is what its serializer makes of it, which is not asked where there is none', () => {
    const serializer = {
      name: 'angles',
      serialize: (value: unknown) => `<${String(value)}>`,
      deserialize: String,
    };
    expect(bodyOf(5n, 'k', serializer)).toEqual(Buffer.from('<5>'));
    expect(bodyOf(null, 'k', serializer)).toEqual(Buffer.alloc(0));
    expect(valueOf(loaded('<5>'), 'k', serializer)).toBe('<5>');
  });

  it('may be made of bytes of any kind', () => {
    const bytes = new Uint8Array([9, 0, 255, 9]).subarray(1, 3);
    const serializer = {
      name: 'bytes',
      serialize: () => bytes,
      deserialize: (body: Buffer) => Array.from(body),
    };
    const body = bodyOf('x', 'k', serializer);
    expect([body, valueOf(loaded(body), 'k', serializer)]).toEqual([Buffer.of(0, 255), [0, 255]]);
  });

  it('that JSON cannot hold, or that is none, is refused with the name of its key', () => {
    expect(() => bodyOf(1n, 'k', jsonSerializer)).toThrow(RedisSerializationException);
    expect(() => bodyOf({ at: new Date(0) }, 'k', jsonSerializer)).toThrow(/\$\.at is a Date/);
    const torn = loaded('{"secret');
    expect(() => valueOf(torn, 'the key', jsonSerializer)).toThrow(/the key/);
    expect(() => valueOf(torn, 'the key', jsonSerializer)).not.toThrow(/secret/);
  });
});
