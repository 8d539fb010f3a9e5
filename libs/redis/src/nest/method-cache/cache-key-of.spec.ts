import { isDeepStrictEqual } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisInvalidKeyException } from '../../errors/redis-invalid-key.exception.js';
import { KeyBuilder } from '../../keys/key-builder.js';
import { cacheKeyOf } from './cache-key-of.js';

const DIFFERENT: readonly (readonly unknown[])[] = [
  [],
  [undefined],
  [undefined, undefined],
  [null],
  ['null'],
  [''],
  [1],
  ['1'],
  [1n],
  ['1n'],
  [true],
  ['true'],
  [0],
  [-0],
  [Number.NaN],
  ['NaN'],
  [Number.POSITIVE_INFINITY],
  [new Date(1)],
  [new Date(Number.NaN)],
  ['Date(1)'],
  [[]],
  [[[]]],
  [[undefined]],
  [new Array(1)],
  [[1, 2]],
  [1, 2],
  ['1,2'],
  ['1","2'],
  ['1', '2'],
  [{}],
  [{ a: undefined }],
  [{ a: 1 }],
  [{ a: '1' }],
  [{ 'a":1,"b': 1 }],
  [JSON.parse('{"__proto__":1}')],
  [new Map()],
  [new Map([['a', 1]])],
  [new Set()],
  [new Set(['a'])],
  [new Uint8Array()],
  [new Uint8Array([1])],
  ['\ud800'],
  ['\udc00'],
  ['\ufffd'],
  ['\\ud800'],
];

describe('cacheKeyOf', () => {
  it('reads like the call', () => {
    expect(cacheKeyOf([1, 'a', { b: [true, null] }])).toBe('(1,"a",{"b":[true,null]})');
  });

  it('tells apart what is not the same', () => {
    const keys = DIFFERENT.map(cacheKeyOf);
    expect(new Set(keys).size).toBe(DIFFERENT.length);
  });

  it.each([
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    [Object.assign(Object.create(null), { a: 1 }), { a: 1 }],
    [
      new Map([
        [1, 2],
        [3, 4],
      ]),
      new Map([
        [3, 4],
        [1, 2],
      ]),
    ],
    [new Set([1, 2]), new Set([2, 1])],
    [Buffer.from('abc'), new TextEncoder().encode('abc')],
    [new Uint8Array([1, 2, 3]).subarray(1), new Uint8Array([2, 3])],
    [[new Date(5)], [new Date(5)]],
  ])('gives %p and %p one key', (a, b) => {
    expect(cacheKeyOf([a])).toBe(cacheKeyOf([b]));
  });

  it('hashes what is long, telling it apart still', () => {
    const keys = ['a', 'b'].map((end) => cacheKeyOf([`${'x'.repeat(10_000)}${end}`]));
    expect(keys).toEqual([
      expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
      expect.stringMatching(/^sha256-[0-9a-f]{64}$/),
    ]);
    expect(keys[0]).not.toBe(keys[1]);
    expect(cacheKeyOf([keys[0]])).not.toBe(keys[0]);
  });

  const circle: unknown[] = [];
  circle.push({ circle });
  const deep = Array.from({ length: 100_000 }).reduce<unknown>((inside) => [inside], []);
  class Request {
    readonly url = '/';
  }

  it.each<[string, unknown, RegExp]>([
    ['a function', () => 1, /argument 2 contains a function; give `key`/],
    ['a symbol', [Symbol('x')], /argument 2 contains a symbol/],
    ['an instance', { request: new Request() }, /contains an instance of Request/],
    ['a subclass of a known class', new (class Mine extends Map {})(), /an instance of Mine/],
    ['what has no class', Object.create(Object.create(null) as object), /a class without a name/],
    ['a boxed text', Object('x'), /an instance of String/],
    ['a property named by a symbol', { [Symbol('x')]: 1 }, /named by a symbol/],
    ['what contains itself', circle, /contains itself/],
    ['what is nested too deep', deep, /nested more than 64 deep/],
  ])('refuses %s', (_, value, message) => {
    expect(() => cacheKeyOf(['ok', value])).toThrow(RedisInvalidKeyException);
    expect(() => cacheKeyOf(['ok', value])).toThrow(message);
  });

  it('takes a value twice, as long as it does not contain itself', () => {
    const shared = { a: 1 };
    expect(cacheKeyOf([shared, [shared, shared]])).toBe('({"a":1},[{"a":1},{"a":1}])');
  });

  it('is a part of a key whatever the arguments contain', () => {
    const keys = new KeyBuilder({ app: 'a', environment: 'e' });
    const hostile = cacheKeyOf(['x:*?{}[]\\\r\n\u0000', '\ud800']);
    const key = keys.cacheKey('R.m', hostile);
    expect(key).not.toMatch(/[*?[\]{}\\\r\n]/);
    expect(keys.parse(key)?.parts).toEqual(['R.m', hostile]);
  });

  const value = fc.anything({
    withBigInt: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: false,
    withSparseArray: true,
    withTypedArray: false,
    maxDepth: 3,
  });
  const list = fc.array(value, { maxLength: 3 });

  it('gives two calls one key exactly if their arguments are the same', () => {
    fc.assert(
      fc.property(list, list, (a, b) => {
        expect(cacheKeyOf(a) === cacheKeyOf(b)).toBe(isDeepStrictEqual(a, b));
      }),
      { numRuns: 2_000 },
    );
  });

  it('gives a copy the same key', () => {
    fc.assert(fc.property(list, (a) => expect(cacheKeyOf(structuredClone(a))).toBe(cacheKeyOf(a))));
  });

  it('tells apart lists that differ in one place', () => {
    fc.assert(
      fc.property(list, value, value, (others, x, y) => {
        const same = isDeepStrictEqual(x, y);
        expect(cacheKeyOf([...others, x]) === cacheKeyOf([...others, y])).toBe(same);
        expect(cacheKeyOf([{ x }]) === cacheKeyOf([{ x: y }])).toBe(same);
        expect(cacheKeyOf([[x]]) === cacheKeyOf([[y]])).toBe(same);
      }),
      { numRuns: 2_000 },
    );
  });
});
