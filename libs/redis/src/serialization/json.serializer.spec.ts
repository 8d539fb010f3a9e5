import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { JsonSerializer } from './json.serializer.js';

class Point {
  x = 1;
  y?: number;
  length(): number {
    return this.x;
  }
}

const serializer = new JsonSerializer();
const circular: Record<string, unknown> = {};
circular['self'] = circular;
const shared = { a: 1 };
const nested = (levels: number) =>
  Array.from({ length: levels }).reduce<unknown>((inner) => [inner], []);
const foreign = (code: string): unknown => runInNewContext(code);
const again = (value: unknown) => serializer.deserialize(serializer.serialize(value, 'k'), 'k');

function refusalOf(value: unknown): RedisSerializationException {
  try {
    serializer.serialize(value, 'user:1');
  } catch (error) {
    return error as RedisSerializationException;
  }
  throw new Error('expected a refusal');
}

describe('JsonSerializer', () => {
  it.each([
    null,
    false,
    0,
    '',
    'é😀',
    [],
    { a: [1, { b: null }] },
    [shared, { shared }],
    nested(990),
    JSON.parse('{"__proto__":{"admin":true}}') as unknown,
  ])('keeps %p', (value) => {
    expect(again(value)).toEqual(value);
  });

  it.each([
    ['an instance as a plain object', new Point(), { x: 1 }],
    ['an object without a prototype', Object.assign(Object.create(null) as object, shared), shared],
    ['an object and a list of another realm', foreign('[{ a: 1 }]'), [{ a: 1 }]],
    ['-0 as 0', [-0], [0]],
    ['no members that are undefined', { a: undefined }, {}],
  ])('keeps %s', (_, value, expected) => {
    expect(again(value)).toStrictEqual(expected);
  });

  it.each([undefined, () => 1, Symbol('s'), 1n, circular])(
    'refuses %p, naming the key',
    (value) => {
      const refusal = refusalOf(value);
      expect(refusal).toBeInstanceOf(RedisSerializationException);
      expect(refusal.message).toMatch(/"user:1"/);
    },
  );

  it.each<[string, unknown]>([
    ['$', Number.NaN],
    ['$.orders[3].placedAt', { orders: [1, 2, 3, { placedAt: new Date() }] }],
    ['$["a b"]["1"].ä', { 'a b': { 1: { ä: new Map() } } }],
    ['$["\\"\\\\"]', { '"\\': 1n }],
    ['$[Symbol(secret)]', { [Symbol('secret')]: 1 }],
    ['$[0][1]', [[1, , 2]]], // eslint-disable-line no-sparse-arrays -- that is the kind that is meant
    ['$.list.index', { list: /a/.exec('a') }],
    ['$.self', circular],
    ['$[1].at', [shared, { at: foreign('new Date()') }]],
    ['$.a', { a: foreign('new Set([1])') }],
    ['$.a', { a: new WeakSet() }],
  ])('says that it is at %s', (path, value) => {
    const refusal = refusalOf(value);
    expect(refusal.path).toBe(path);
    expect(refusal.message).toContain(path);
  });

  it('refuses what is nested too deeply, and cuts its path', () => {
    const { message, path = '' } = refusalOf(nested(100_000));
    expect(message).toContain('more than 1000 levels deep');
    expect(path.length).toBeLessThan(500);
  });

  it('runs no accessor, and says what a Proxy threw', () => {
    let runs = 0;
    const value = {
      get a() {
        return ++runs;
      },
    };
    expect(refusalOf(value).message).toMatch(/\$\.a is an accessor. Instead, store its value/);
    expect(runs).toBe(0);
    const cause = new Error('trap');
    const trapped = new Proxy(shared, {
      ownKeys: () => {
        throw cause;
      },
    });
    expect(refusalOf([trapped])).toMatchObject({ name: 'RedisSerializationException', cause });
  });

  it('names the key of text that is not JSON, and never quotes the text', () => {
    const read = () => serializer.deserialize('{"password":"hunter2"', 'user:1');
    expect(read).toThrow(RedisSerializationException);
    try {
      read();
    } catch (error) {
      expect(String(error)).toMatch(/"user:1" is not JSON/);
      expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('hunter2');
    }
  });

  it('does not touch prototypes', () => {
    const value = serializer.deserialize('{"__proto__":{"admin":true}}', 'k');
    expect((value as { admin?: boolean }).admin).toBeUndefined();
    expect(({} as { admin?: boolean }).admin).toBeUndefined();
  });
});
