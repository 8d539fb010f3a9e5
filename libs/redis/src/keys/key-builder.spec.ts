import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import { KeyBuilder } from './key-builder.js';
import type { KeyPart } from './key-encoding.js';

const keys = new KeyBuilder({ app: 'myapp', environment: 'production' });

describe('KeyBuilder', () => {
  it('writes the documented format', () => {
    expect(keys.userKey(123)).toBe('user:myapp:production:123');
    expect(keys.sessionKey('abc')).toBe('session:myapp:production:abc');
    expect(keys.cacheKey('post', 5)).toBe('cache:myapp:production:post:5');
    expect(keys.counterKey('visits')).toBe('counter:myapp:production:visits');
    expect(keys.tagKey('users')).toBe('tag:myapp:production:users');
    expect(keys.key('order', 'eu', 7n, 'line')).toBe('order:myapp:production:eu:7:line');
  });

  it('matches a kind, or what lies below the given parts', () => {
    expect(keys.pattern('session')).toBe('session:myapp:production:*');
    expect(keys.pattern('cache', 'post')).toBe('cache:myapp:production:post:*');
    expect(keys.pattern('cache', '*')).toBe('cache:myapp:production:%2A:*');
  });

  it('puts a sibling into the hash slot of its key', () => {
    const sibling = keys.sibling(keys.userKey('a{b}c'), 'lease');
    expect(sibling).toBe('{user:myapp:production:a%7Bb%7Dc}:lease');
    expect(keys.parse(sibling)).toEqual({
      ...keys.parse(keys.userKey('a{b}c')),
      sibling: 'lease',
    });
  });

  it('puts the versions of all entities under one prefix, in the slots of the entities', () => {
    const version = keys.sibling(keys.userKey('a{b}c'), 'version');
    expect(version).toBe('version:myapp:production:{user:myapp:production:a%7Bb%7Dc}');
    expect(keys.parse(version)).toEqual({
      ...keys.parse(keys.userKey('a{b}c')),
      sibling: 'version',
    });
  });

  it.each<[string, string]>([
    ['a:b', 'a%3Ab'],
    ['100%', '100%25'],
    ['%3A', '%253A'],
    ['*?[]\\', '%2A%3F%5B%5D%5C'],
    ['{x}', '%7Bx%7D'],
    ['line\nbreak\u0000', 'line%0Abreak%00'],
    ['\ud800', '%uD800'],
    ['\udc00\ud800', '%uDC00%uD800'],
    ['😀', '😀'],
    ['😀:*', '😀%3A%2A'],
    ['é:\u007f\u0080\u009f\u00a0', 'é%3A%7F%80%9F\u00a0'],
    ['\ud7ff\ue000:', '\ud7ff\ue000%3A'],
    ['http://[::1]:80/', 'http%3A//%5B%3A%3A1%5D%3A80/'],
    ['a?b=c&d~e|f^g"', 'a%3Fb=c&d~e|f^g"'],
    [':', '%3A'],
    ['__proto__', '__proto__'],
  ])('encodes the id %j as %s', (id, encoded) => {
    expect(keys.userKey(id)).toBe(`user:myapp:production:${encoded}`);
    expect(keys.parse(keys.userKey(id))?.parts).toEqual([id]);
  });

  it.each<[unknown, RegExp]>([
    ['', /part 1 is empty/],
    [undefined, /part 1 is undefined/],
    [null, /part 1 is null/],
    [Number.NaN, /part 1 is NaN/],
    [Number.POSITIVE_INFINITY, /part 1 is Infinity/],
    [{}, /part 1 is object/],
  ])('refuses %p as an id', (id, message) => {
    expect(() => keys.userKey(id as KeyPart)).toThrow(RedisInvalidKeyException);
    expect(() => keys.userKey(id as KeyPart)).toThrow(message);
  });

  it('refuses a key without parts, an empty kind, application or environment', () => {
    expect(() => (keys.key as (kind: string) => string)('user')).toThrow(RedisInvalidKeyException);
    expect(() => keys.key('', 1)).toThrow(/kind is empty/);
    expect(() => keys.sibling(keys.userKey(1), '')).toThrow(/suffix is empty/);
    expect(() => keys.sibling('a}b', 'lease')).toThrow(/key was not built by a KeyBuilder/);
    expect(() => new KeyBuilder({ app: '', environment: 'x' })).toThrow(/app is empty/);
    expect(() => new KeyBuilder({ app: 'x', environment: '' })).toThrow(/environment is empty/);
  });

  it.each([
    'user',
    'user:myapp:production',
    'user:myapp:production:',
    'user:myapp:production::x',
    'user:myapp:production:a%3ab',
    'user:myapp:production:%41',
    'user:myapp:production:100%',
    'user:myapp:production:{x}',
    '{user:myapp:production}:lease',
    '{user:myapp:production:1}:',
    '{user:myapp:production:1}lease',
    '{user:myapp:production:1}:a:b',
    '{user:myapp:production:1}:version',
    'version:myapp:production:{user:myapp:test:1}',
    'version:other:production:{user:myapp:production:1}',
    'version:myapp:production:{user:myapp:production}',
    'version:myapp:production:{user:myapp:production:1}:lease',
    'version:myapp:production:x:{user:myapp:production:1}',
    'lease:myapp:production:{user:myapp:production:1}',
    'version{x}',
    'version:{x}',
    '',
  ])('does not parse the foreign key %j', (foreign) => {
    expect(keys.parse(foreign)).toBeUndefined();
  });

  describe('for any input', () => {
    const text = fc.oneof(
      fc.string({ minLength: 1, unit: 'binary' }),
      fc.string({ minLength: 1 }),
      fc.stringMatching(/^[:%*?[\]{}\\a0-9u]{1,6}$/),
      fc
        .array(fc.integer({ min: 0, max: 0xffff }), { minLength: 1, maxLength: 4 })
        .map((units) => String.fromCharCode(...units)),
      fc.constantFrom('__proto__', 'constructor', 'a:b', '{x}', '*', '\ud800', '\udfff', '%uD800'),
    );
    const input = fc.record({
      app: text,
      environment: text,
      kind: text,
      parts: fc.array(text, { minLength: 1, maxLength: 4 }),
    });
    interface Input {
      app: string;
      environment: string;
      kind: string;
      parts: string[];
    }
    const build = ({ app, environment, kind, parts }: Input) =>
      new KeyBuilder({ app, environment }).key(kind, ...(parts as [string, ...string[]]));

    const sibling = fc
      .tuple(input.map(build), fc.oneof(text, fc.constant('version')))
      .map(([key, suffix]) => keys.sibling(key, suffix));

    it('parse(build(x)) is x', () => {
      fc.assert(fc.property(input, (x) => expect(keys.parse(build(x))).toEqual(x)));
    });

    it('gives two different inputs two different keys, on the wire too', () => {
      fc.assert(
        fc.property(input, input, (a, b) => {
          const same = JSON.stringify(a) === JSON.stringify(b);
          const bytes = (x: Input) => Buffer.from(build(x), 'utf8');
          expect(bytes(a).equals(bytes(b))).toBe(same);
        }),
        { numRuns: 2_000 },
      );
    });

    it('survives UTF-8', () => {
      fc.assert(
        fc.property(input, (x) => {
          const key = build(x);
          expect(Buffer.from(key, 'utf8').toString('utf8')).toBe(key);
        }),
      );
    });

    it('never lets an input into a pattern or a hash tag', () => {
      fc.assert(fc.property(input, (x) => expect(build(x)).not.toMatch(/[*?[\]{}\\]/)));
    });

    it('parses only what build gives back unchanged', () => {
      fc.assert(
        fc.property(fc.oneof(text, input.map(build), sibling), (candidate) => {
          const parsed = keys.parse(candidate);
          if (!parsed) return;
          const { app, environment, kind, parts, sibling: suffix } = parsed;
          const rebuilt = build({ app, environment, kind, parts: [...parts] });
          expect(suffix === undefined ? rebuilt : keys.sibling(rebuilt, suffix)).toBe(candidate);
        }),
        { numRuns: 1_000 },
      );
    });
  });
});
