import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { msgpackSerializer } from './index.js';

const pack = (value: unknown) => Buffer.from(msgpackSerializer.serialize(value, 'the key'));
const unpack = (body: Buffer): unknown => msgpackSerializer.deserialize(body, 'the key');
const throughIt = (value: unknown) => unpack(pack(value));

/** The message of a refused value; `undefined` if the serializer takes it. */
function refusalOf(value: unknown): string | undefined {
  try {
    pack(value);
    return undefined;
  } catch (error) {
    expect(error).toBeInstanceOf(RedisSerializationException);
    const { message, path = '' } = error as RedisSerializationException;
    expect(message).toContain(`: ${path} is `);
    return message;
  }
}

class Point {
  constructor(
    readonly x: number,
    readonly y: number,
  ) {}

  get length(): number {
    return Math.hypot(this.x, this.y);
  }
}

class Plain {
  name = 'Ada';
  born = new Date(-4_906_310_400_000);
}

class Hidden {
  readonly #secret = 1;

  tell(): number {
    return this.#secret;
  }
}

class Problem extends Error {
  readonly code = 5;
}

const circular: Record<string, unknown> = {};
circular['self'] = circular;

describe('msgpackSerializer', () => {
  it.each<[string, unknown]>([
    ['null', null],
    ['undefined', undefined],
    ['booleans', [true, false]],
    ['numbers', [0, 1, -1, 127, 128, 255, 65_536, 2 ** 31, 2 ** 32, -(2 ** 31) - 1, 2 ** 53 - 1]],
    ['fractions', [0.1, -1.5, 5e-324, 1.7976931348623157e308]],
    ['what is no finite number', [NaN, Infinity, -Infinity]],
    ['bigints of any size', [0n, -1n, 2n ** 63n, -(2n ** 63n), 2n ** 64n, -(2n ** 100n)]],
    ['texts', ['', 'é😀', '\u0000', '\ufeffbom', 'x'.repeat(100_000), '😀'.repeat(20_000)]],
    ['arrays', [[], [1, [2, [3]]], Array.from({ length: 70_000 }, (_, i) => i)]],
    ['objects', [{}, { a: 1, b: { c: [] } }, { 'a b': 1, 5: 2, '': 3, constructor: 'x' }]],
    ['members that are undefined', [{ a: undefined }, [undefined]]],
    ['dates', [new Date(0), new Date(1), new Date(-1), new Date(8.64e15), new Date(-8.64e15)]],
    [
      'maps',
      new Map<unknown, unknown>([
        [1, 'a'],
        ['1', 'b'],
        [{ a: 1 }, new Map([[NaN, null]])],
      ]),
    ],
    ['sets', new Set<unknown>([1, '1', new Set([{ a: 1 }])])],
    ['regular expressions', [/a\/b/gi, new RegExp('')]],
    ['buffers', [Buffer.of(), Buffer.from(Array.from({ length: 256 }, (_, i) => i))]],
    ['an array buffer', new Uint8Array([1, 2, 255]).buffer],
    ['a data view', new DataView(new Uint8Array([1, 2, 255]).buffer)],
    ['arrays of bytes', new Uint8Array([1, 255])],
    [
      'errors',
      [new Error('a', { cause: { at: new Date(5) } }), new TypeError('b'), new URIError()],
    ],
  ])('keeps %s', (_, value) => {
    expect(refusalOf(value)).toBeUndefined();
    const back = throughIt(value);
    expect(back).toEqual(value);
    expect(Object.getPrototypeOf(back ?? 0)).toBe(Object.getPrototypeOf(value ?? 0));
  });

  it('refuses what only looks like a typed array to msgpackr, as in a sandbox of two realms', () => {
    const message = refusalOf({ floats: new Float32Array(1) });
    if (message !== undefined)
      expect(message).toContain('$.floats is an instance of Float32Array.');
    else expect(throughIt(new Float32Array(1))).toEqual(new Float32Array(1));
  });

  it('brings an instance of a class back as a plain object, and -0 as 0', () => {
    const back = throughIt(new Plain());
    expect(back).toEqual({ name: 'Ada', born: new Date(-4_906_310_400_000) });
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
    const bare = Object.assign(Object.create(null) as object, { a: 1 });
    expect(throughIt(bare)).toEqual({ a: 1 });
    expect(throughIt(runInNewContext('({ a: [{}] })'))).toEqual({ a: [{}] }); // of another realm
    expect(throughIt(-0)).toBe(0);
    expect((throughIt(new Date(NaN)) as Date).getTime()).toBe(NaN);
  });

  it.each<[unknown, string]>([
    [() => 1, '$ is a function'],
    [Symbol('secret'), '$ is a symbol'],
    [{ a: [0, { b: () => 1 }] }, '$.a[1].b is a function'],
    [{ 'a b': Symbol('s') }, '$["a b"] is a symbol'],
    [{ [Symbol('s')]: 1 }, '$ is an object with a symbol as a name'],
    [JSON.parse('{"a":{"__proto__":1}}'), '$.a.__proto__ is of a name that is not kept'],
    [{ '\ud800': 1 }, '$["\\ud800"] is of a name that is not kept'],
    [['\ud800'], '$[0] is a text with half of a surrogate pair'],
    [[1, , 2], '$[1] is a hole'], // eslint-disable-line no-sparse-arrays -- it is about holes
    [{ found: /b/.exec('ab') }, '$.found is an array with names of its own'],
    [new Map([['k', new Map([[() => 1, 1]])]]), '$.values[0].keys[0] is a function'],
    [new Set([1, Promise.resolve()]), '$.values[1] is an instance of Promise'],
    [
      Object.assign(new Date(), { zone: 'CET' }),
      '$ is an instance of Date with members of its own',
    ],
    [Object.assign(/a/g, { lastIndex: 1 }), '$ is a regular expression with a lastIndex'],
    [
      Object.assign(new Error('x'), { code: 1 }),
      '$ is an instance of Error with members of its own',
    ],
    [new Error('x', { cause: () => 1 }), '$.cause is a function'],
    [new Problem('x'), '$ is an instance of Problem'],
    [new AggregateError([], 'x'), '$ is an instance of AggregateError'],
    [Object.assign(new Error('x'), { name: 'Mine' }), '$ is an error with a name of its own'],
    [new Point(3, 4), '$ is an instance of Point with accessors'],
    [new Hidden(), '$ is an instance of Hidden without members of its own'],
    [new (class extends Map<unknown, unknown> {})([[1, 2]]), '$ is an instance of a class'],
    [new (class Days extends Date {})(), '$ is an instance of Days'],
    [
      new URL('https://example.org'),
      '$ is an instance of URL with a toJSON: store what that returns',
    ],
    [new WeakMap(), '$ is an instance of WeakMap'],
    [Object('text'), '$ is an instance of String'],
    [(function* () {})(), /^The value at "the key" .*: \$ is .*/.source],
    [new SharedArrayBuffer(1), '$ is an instance of SharedArrayBuffer'],
    [circular, '.self is nested in more than 500 others, or in itself'],
  ])('refuses %p, and says where it is', (value, says) => {
    const message = refusalOf(value);
    if (says.startsWith('^')) expect(message).toMatch(new RegExp(says));
    else expect(message).toContain(`${says}.`);
    expect(message).toMatch(/^The value at "the key" cannot be written as MessagePack: \$/);
    expect(message).not.toContain('secret');
  });

  it('refuses what is nested too deeply for a stack, and cuts its path', () => {
    const nested = (levels: number) => {
      let value: unknown = 1;
      for (let i = 0; i < levels; i++) value = [value];
      return value;
    };
    const refusal = refusalOf(nested(100_000));
    expect(refusal).toContain('nested in more than 500 others');
    expect(refusal).toContain('…');
    expect(refusal?.length).toBeLessThan(600);
    expect(throughIt(nested(500))).toEqual(nested(500));
  });

  it('brings back what it takes, whatever that is', () => {
    const leaf = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({ minLength: 30, maxLength: 300 }),
      fc.double().map((number) => number + 0), // no -0
      fc.integer(),
      fc.bigInt(),
      fc.date({ noInvalidDate: true }),
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
      fc.sparseArray(fc.integer(), { maxLength: 3 }),
      fc.constantFrom<unknown>(
        /x/u,
        new Error('e'),
        undefined,
        null,
        true,
        Symbol('s'),
        new Hidden(),
      ),
    );
    const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
      tree: fc.oneof(
        { depthSize: 'small' },
        leaf,
        fc.array(tie('tree'), { maxLength: 4 }),
        fc.dictionary(fc.string(), tie('tree'), { maxKeys: 4, noNullPrototype: true }),
        fc.array(fc.tuple(tie('tree'), tie('tree')), { maxLength: 3 }).map((all) => new Map(all)),
        fc.array(tie('tree'), { maxLength: 3 }).map((all) => new Set(all)),
      ),
    }));
    let taken = 0;
    fc.assert(
      fc.property(tree, (value) => {
        if (refusalOf(value) !== undefined) return;
        taken++;
        expect(throughIt(value)).toEqual(value);
      }),
      { numRuns: 500 },
    );
    expect(taken).toBeGreaterThan(100);
  });

  it('keeps more shapes of objects than it has numbers for, each used again and again', () => {
    const rows = Array.from({ length: 1_000 }, (_, i) => ({ [`a${i % 150}`]: i, b: [{ c: i }] }));
    expect(throughIt(rows)).toEqual(rows);
  });

  it('gives each reader memory of his own', () => {
    const body = pack({ bytes: Buffer.of(1, 2) });
    const first = unpack(body) as { bytes: Buffer };
    expect(Buffer.isBuffer(first.bytes)).toBe(true);
    first.bytes[0] = 9;
    expect(unpack(body)).toEqual({ bytes: Buffer.of(1, 2) });
  });

  it('never makes more of foreign bytes than data, and says no word of them', () => {
    const taken = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
    const damaged = fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([at, byte]) => {
      const body = pack({
        user: 'hunter2',
        rows: [{ a: 1 }, { a: 2 }, { a: 3 }, { a: 4 }, { a: 5 }],
      });
      body[at % body.length] = byte;
      return body;
    });
    fc.assert(
      fc.property(fc.oneof(taken, damaged), (body) => {
        try {
          unpack(body);
        } catch (error) {
          expect(error).toBeInstanceOf(RedisSerializationException);
          expect((error as Error).message).not.toContain('hunter2');
          expect((error as Error).cause).toBeUndefined();
        }
      }),
      { numRuns: 500 },
    );
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });

  it.each([
    [
      'a name in an object',
      [0xd4, 0x72, 0x40, 0x91, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa1, 0x61, 1],
    ],
    [
      'a name in an object that is read often',
      [
        0x95,
        ...[0xd4, 0x72, 0x40, 0x91, 0xa9, ...Buffer.from('__proto__'), 0x81, 0xa1, 0x61, 1],
        ...Array.from({ length: 4 }, () => [0x40, 0x81, 0xa1, 0x61, 1]).flat(),
      ],
    ],
  ])('does not touch prototypes: %s', (_, bytes) => {
    const value = unpack(Buffer.from(bytes));
    for (const one of [value].flat()) {
      expect(Object.getPrototypeOf(one)).toBe(Object.prototype);
      expect((one as { a?: unknown }).a).toBeUndefined();
    }
  });
});
