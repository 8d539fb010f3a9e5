import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { RedisInvalidKeyException } from '../errors/redis-invalid-key.exception.js';
import { KeyBuilder } from '../keys/key-builder.js';
import { CacheKeys } from './cache-keys.js';
import type { CacheKey } from './cache-options.js';

const builder = new KeyBuilder({ app: 'a', environment: 'e' });
const keys = new CacheKeys(builder, 'default');
const posts = new CacheKeys(builder, 'posts');

describe('The keys of a cache', () => {
  it.each<[CacheKey, string]>([
    ['x', 'cache:a:e:x'],
    ['post:5', 'cache:a:e:post:5'],
    [['post', 5], 'cache:a:e:post:5'],
    [['post:5'], 'cache:a:e:post%3A5'],
    [['post', '*', '{x}'], 'cache:a:e:post:%2A:%7Bx%7D'],
    [['__proto__', 1n], 'cache:a:e:__proto__:1'],
    ['cache:a:e:post:5', 'cache:a:e:post:5'],
    ['cache:a:other:post', 'cache:a:e:cache:a:other:post'],
  ])('%j is %s', (key, entry) => {
    const found = keys.of(key);
    expect([found.entry, found.lease]).toEqual([entry, `{${entry}}:lease`]);
  });

  it('begin with its name, once', () => {
    const { entry } = posts.of(['x', 5]);
    expect(entry).toBe('cache:a:e:posts:x:5');
    expect(posts.of('x:5').entry).toBe(entry);
    expect(posts.of(entry).entry).toBe(entry);
    expect(posts.of(builder.cacheKey('posts', 'x')).entry).toBe('cache:a:e:posts:x');
    expect(posts.of('posts:x').entry).toBe('cache:a:e:posts:posts:x');
    expect(posts.of(builder.cacheKey('users', 'x')).entry).toBe(
      'cache:a:e:posts:cache:a:e:users:x',
    );
  });

  it.each<[string, CacheKey]>([
    ['nothing', ''],
    ['no parts', [] as unknown as CacheKey],
    ['an empty part', ['x', '']],
    ['an empty part in a text', 'x::y'],
    ['its own prefix alone', 'cache:a:e:'],
    ['an own key that was not built by it', 'cache:a:e:x{y}'],
    ['an own key with an empty part', 'cache:a:e:x:'],
  ])('are not made of %s', (_, key) => {
    expect(() => keys.of(key)).toThrow(RedisInvalidKeyException);
    expect(() => keys.of(key)).toThrow(RedisInvalidKeyException);
  });

  it('are two for two lists, and never a pattern nor another hash tag', () => {
    const part = fc.oneof(fc.string({ minLength: 1 }), fc.stringMatching(/^[:%*?[\]{}\\a]{1,5}$/));
    const parts = fc.array(part, { minLength: 1, maxLength: 4 });
    const of = (list: string[]) => keys.of(list as [string, ...string[]]).entry;
    const nameOf = (key: string | string[]) => keys.nameOf(key as CacheKey);
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(of(one) === of(other)).toBe(JSON.stringify(one) === JSON.stringify(other));
        expect(of(one)).not.toMatch(/[*?[\]{}\\]/);
        expect(keys.of(of(one)).entry).toBe(of(one));
        expect(keys.prefix + nameOf(one)).toBe(of(one));
        expect(nameOf(of(one))).toBe(nameOf(one));
        if (keys.isPlain(nameOf(one))) expect(nameOf(nameOf(one))).toBe(nameOf(one));
      }),
    );
  });

  it.each([
    ['*', 'cache:a:e:*'],
    ['post:*', 'cache:a:e:post:*'],
    ['post:5*:x', 'cache:a:e:post:5*:x'],
    ['po[s]t:?', 'cache:a:e:po%5Bs%5Dt:%3F'],
    ['\\*', 'cache:a:e:%5C*'],
    ['cache:a:e:post:*', 'cache:a:e:post:*'],
  ])('are matched by %s as %s', (pattern, entries) => {
    expect(keys.patterns(pattern)).toEqual({ entries, leases: `{${entries}}:lease` });
  });

  it('are matched by no pattern with an empty part', () => {
    for (const pattern of ['', 'x:', ':x', 'x::*']) {
      expect(() => keys.patterns(pattern)).toThrow(RedisInvalidKeyException);
    }
    expect(posts.patterns('*').entries).toBe('cache:a:e:posts:*');
  });
});
