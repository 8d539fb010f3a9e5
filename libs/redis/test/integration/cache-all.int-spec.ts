import { describe, expect, it, jest } from '@jest/globals';
import {
  type Duration,
  RedisConfigurationException,
  RedisInvalidKeyException,
} from '../../src/index.js';
import type { CacheKey, LoadAllContext } from '../../src/cache/cache-options.js';
import { pass } from '../../../../test/support/time.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { listenedCache } from './support/cache-stage.js';
import { onEmbeddedServer, onEveryTopology, type Stage } from './support/repository-servers.js';

/** A loader that gives each key a value, and remembers what it was asked for. */
function loaderOf<K extends CacheKey, V>(valueOf: (key: K) => V) {
  const loader = jest.fn(
    (missing: K[]) => new Map(missing.map((key) => [key, valueOf(key)] as const)),
  );
  return { loader, asked: () => loader.mock.calls.map(([missing]) => missing) };
}

const text = (key: CacheKey) => `value of ${String(key)}`;

const suite = (stage: Stage) => {
  describe('RedisCache.getOrLoadAll', () => {
    it('loads all missing keys with one call, and none the next time', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      await cache.getOrLoad('b', () => 'value of b');
      const { loader, asked } = loaderOf(text);
      const first = await cache.getOrLoadAll(['a', 'b', 'c'], loader);
      expect([...first]).toEqual(['a', 'b', 'c'].map((key) => [key, text(key)]));
      expect(asked()).toEqual([['a', 'c']]);
      const again = await cache.getOrLoadAll(['c', 'b', 'a'], loader);
      expect([...again.keys()]).toEqual(['c', 'b', 'a']);
      expect(asked()).toHaveLength(1);
      const results = of('cache.request').map(({ result }) => result);
      expect(results.sort()).toEqual(['hit', 'hit', 'hit', 'hit', 'miss', 'miss', 'miss']);
      expect(await cache.get('c')).toBe('value of c');
    });

    it('sends no command and loads nothing without keys', async () => {
      const { cache, events } = listenedCache(stage.client, stage.keys());
      const { loader } = loaderOf(text);
      expect(await cache.getOrLoadAll([], loader)).toEqual(new Map());
      expect(loader).not.toHaveBeenCalled();
      expect(events).toEqual([]);
    });

    it('loads equal keys once, and returns the value for each of them', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader, asked } = loaderOf(text);
      const keys = [['user', 1], ['user', 2], ['user', 1], 'user:2', 'x', 'x'] as const;
      const found = await cache.getOrLoadAll<CacheKey, string>(keys, loader);
      expect(asked()).toEqual([[keys[0], keys[1], 'x']]);
      expect([...found.keys()]).toEqual([keys[0], keys[1], keys[2], 'user:2', 'x']);
      expect(keys.map((key) => found.get(key))).toEqual([
        ...['user,1', 'user,2', 'user,1', 'user,2', 'x', 'x'].map((key) => `value of ${key}`),
      ]);
    });

    it('matches the keys of the Map by content, and ignores keys that were not requested', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const found = await cache.getOrLoadAll([['user', 1] as const, ['user', 2] as const], () => {
        return new Map([
          [['user', 2] as const, 'Bob'],
          [['user', 1] as const, 'Ada'],
          [['user', 3] as const, 'Eve'],
        ]);
      });
      expect([...found.values()]).toEqual(['Ada', 'Bob']);
      expect(await cache.get(['user', 3])).toBeUndefined();
    });

    it.each([
      ['nothing', undefined],
      ['a list', [1]],
      ['an object', { a: 1 }],
      ['a Set', new Set(['a'])],
    ])('refuses %s instead of a Map', async (_, result) => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const error = await caught(cache.getOrLoadAll(['a'], () => result as never));
      expect(error).toBeInstanceOf(TypeError);
      expect(error.message).toBe('The loader of getOrLoadAll has to return a Map of values by key');
    });

    it('remembers for negativeTtl which keys have no value, and leaves them out', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      const keys = ['there', 'null', 'undefined', 'missing'];
      const loader = jest.fn(
        () =>
          new Map<string, string | null | undefined>([
            ['there', 'value'],
            ['null', null],
            ['undefined', undefined],
          ]),
      );
      const expected = new Map([
        ['there', 'value'],
        ['null', null],
      ]);
      const read = () => cache.getOrLoadAll(keys, loader, { negativeTtl: '1m' });
      expect([await read(), await read()]).toEqual([expected, expected]);
      expect(loader).toHaveBeenCalledTimes(1);
      const again = of('cache.request').slice(4);
      expect(again.map(({ result }) => result)).toEqual(['hit', ...Array(3).fill('negative')]);
      await cache.getOrLoadAll(keys, loader); // without negativeTtl they are served, too, as long as they live
      expect(loader).toHaveBeenCalledTimes(1);
    });

    it('loads keys without a value each time if there is no negativeTtl', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader, asked } = loaderOf((key) => (key === 'a' ? 1 : undefined));
      for (let i = 0; i < 2; i++) {
        expect(await cache.getOrLoadAll(['a', 'b'], loader)).toEqual(new Map([['a', 1]]));
      }
      expect(asked()).toEqual([['a', 'b'], ['b']]);
    });

    it('does not mix up hostile keys and values', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const keys: CacheKey[] = [
        '__proto__',
        'constructor',
        'toString',
        ['{x}', 'y'],
        ['{x}:lease'],
        ['a', 'b:c'],
        ['a:b', 'c'],
        ['a', 'b', 'c'],
        ['\u{1F600}', 'é', 'e\u0301'],
        ['*', '[a-z]', '?'],
        ['\0', '\n', ' '],
        ['x'.repeat(10_000)],
      ];
      const { loader, asked } = loaderOf((key: CacheKey) => ({ key, big: 'y'.repeat(20) }));
      for (let i = 0; i < 2; i++) {
        const found = await cache.getOrLoadAll(keys, loader);
        expect([...found].map(([key, { key: of }]) => [key, of])).toEqual(
          keys.map((key) => [key, key]),
        );
      }
      expect(asked()).toEqual([keys]);
    });

    it('returns values of a megabyte', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader } = loaderOf((key: string) => key.repeat(1024 * 1024));
      for (let i = 0; i < 2; i++) {
        const found = await cache.getOrLoadAll(['a', 'b', 'c'], loader);
        expect([...found.values()].map(({ length, [0]: first }) => [first, length])).toEqual(
          ['a', 'b', 'c'].map((key) => [key, 1024 * 1024]),
        );
      }
      expect(loader).toHaveBeenCalledTimes(1);
    });

    it('returns new values to each call, and is not affected by later changes of its input', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const keys = ['a', 'b'];
      const reading = cache.getOrLoadAll(keys, (missing) => {
        const values = new Map(missing.map((key) => [key, { key }]));
        missing.length = 0;
        return values;
      });
      keys.push('c');
      const found = await reading;
      expect([...found.keys()]).toEqual(['a', 'b']);
      Object.assign(found.get('a') as object, { key: 'changed' });
      expect(await cache.get('a')).toEqual({ key: 'a' });
    });
  });

  describe('An option of getOrLoadAll', () => {
    it('may be a function of the key: tags', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader, asked } = loaderOf(text);
      const read = () =>
        cache.getOrLoadAll(['a', 'b', 'c'], loader, { tags: (key) => ['all', `own-${key}`] });
      await read();
      await cache.invalidateTags('own-b');
      await read();
      await cache.invalidateTags('all');
      await read();
      expect(asked()).toEqual([['a', 'b', 'c'], ['b'], ['a', 'b', 'c']]);
    });

    it('may be a function of the key: ttl and dependsOn', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys(), { jitter: 0 });
      const { loader, asked } = loaderOf(text);
      const { client } = stage;
      const foreign = (key: string) => `foreign-${key}`;
      const read = () =>
        cache.getOrLoadAll(['a', 'b', 'c'], loader, {
          ttl: (key) => (key === 'a' ? '30ms' : undefined),
          dependsOn: (key) => (key === 'b' ? [foreign(key)] : []),
        });
      await client.set(foreign('b'), '1');
      await read();
      await client.set(foreign('b'), '2');
      await pass(60);
      await read();
      expect(asked()).toEqual([
        ['a', 'b', 'c'],
        ['a', 'b'],
      ]);
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual(Array(5).fill('filled'));
    });

    it.each([
      ['tags', { tags: () => [''] }, RedisInvalidKeyException],
      ['ttl', { ttl: () => 5 as never }, RedisConfigurationException],
      ['timeout', { timeout: 'soon' as never }, RedisConfigurationException],
    ])('is refused if it is invalid: %s', async (_, options, refusal) => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader } = loaderOf(text);
      expect(await caught(cache.getOrLoadAll(['a'], loader, options))).toBeInstanceOf(refusal);
      expect(loader).not.toHaveBeenCalled();
    });

    it('refuses all keys if one is invalid', async () => {
      const { cache, events } = listenedCache(stage.client, stage.keys());
      const { loader } = loaderOf(text);
      const error = await caught(cache.getOrLoadAll(['a', ['b', '']], loader));
      expect(error).toBeInstanceOf(RedisInvalidKeyException);
      expect(events).toEqual([]);
    });
  });

  describe('The context of a loader in getOrLoadAll', () => {
    it('lets the loader set options for each value', async () => {
      const { cache } = listenedCache(stage.client, stage.keys(), { jitter: 0 });
      const { loader, asked } = loaderOf((key: string) => key);
      let ttl: Duration = '30ms';
      const read = () =>
        cache.getOrLoadAll(['a', 'b', 'c', 'd'], async (missing, context) => {
          for (const key of missing) {
            const of = context.of(key);
            if (key === 'a') of.setTtl(ttl);
            if (key === 'b') of.skipCache();
            if (key === 'c') await of.dependOn({ tags: ['early'] });
            if (key === 'd') of.addTags('late');
          }
          return loader(missing);
        });
      await read();
      await pass(60);
      ttl = '1h';
      await read();
      await cache.invalidateTags('early');
      await read();
      await cache.invalidateTags('late');
      await read();
      expect(asked()).toEqual([
        ['a', 'b', 'c', 'd'],
        ['d'], // once more, now that its tag is known
        ['a', 'b'],
        ['b', 'c'],
        ['b', 'd'],
        ['d'],
      ]);
    });

    it('refuses a key that the loader should not load', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      await cache.getOrLoad('b', () => 1);
      const load = (_: string[], context: LoadAllContext<string>) => {
        context.of('b').skipCache();
        return new Map();
      };
      const error = await caught(cache.getOrLoadAll(['a', 'b'], load));
      expect(error).toEqual(
        new TypeError('context.of() was asked for a key that is not to be loaded'),
      );
    });
  });

  describe('A failure in getOrLoadAll', () => {
    it.each([
      [
        'at once',
        () => {
          throw new Error('origin');
        },
      ],
      ['later', () => Promise.reject(new Error('origin'))],
    ])('of the loader rejects the call, and the next call loads again (%s)', async (_, fail) => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      await cache.getOrLoad('a', () => 'a');
      expect(await caught(cache.getOrLoadAll(['a', 'b', 'c'], fail))).toEqual(new Error('origin'));
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual([
        'filled',
        'failed',
        'failed',
      ]);
      const { loader, asked } = loaderOf(text);
      expect(await cache.getOrLoadAll(['a', 'b', 'c'], loader)).toEqual(
        new Map([
          ['a', 'a'],
          ['b', text('b')],
          ['c', text('c')],
        ]),
      );
      expect(asked()).toEqual([['b', 'c']]);
    });

    it('is replaced by the last known values, if there are some', async () => {
      const { cache } = listenedCache(stage.client, stage.keys(), { ttl: '1ms', failSafe: '1m' });
      const { loader } = loaderOf((key: string) => text(key));
      const known = await cache.getOrLoadAll(['a', 'b'], loader, { tags: (key) => [key] });
      await pass(5);
      const fail = () => Promise.reject(new Error('origin'));
      const read = (...keys: string[]) => cache.getOrLoadAll(keys, fail, { tags: (key) => [key] });
      expect(await read('a', 'b')).toEqual(known);
      expect(await caught(read('a', 'b', 'c'))).toEqual(new Error('origin'));
      await cache.invalidateTags('b');
      expect(await caught(read('a', 'b'))).toEqual(new Error('origin'));
    });

    it('concerns one value only: the error names its key and path, and the others are cached', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader, asked } = loaderOf((key) => (key === 'b' ? { at: new Date() } : { at: 0 }));
      const error = await caught(cache.getOrLoadAll(['a', 'b', 'c'], loader));
      expect(error).toMatchObject({ name: 'RedisSerializationException', path: '$.at' });
      expect(error.message).toMatch(/:b"/);
      const cached = await Promise.all(['a', 'b', 'c'].map((key) => cache.get(key)));
      expect(cached).toEqual([{ at: 0 }, undefined, { at: 0 }]);
      expect(asked()).toHaveLength(1);
    });
  });

  describe('A stale value in getOrLoadAll', () => {
    it('is served, and refreshed by the call that loads the missing values', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys(), {
        ttl: '1ms',
        staleFor: '1m',
        jitter: 0,
      });
      let version = 1;
      const { loader, asked } = loaderOf((key: string) => `${key}${version}`);
      await cache.getOrLoadAll(['a', 'b'], loader);
      await pass(5);
      version = 2;
      const found = await cache.getOrLoadAll(['a', 'b', 'c'], loader, { ttl: '1h' });
      expect([...found.values()]).toEqual(['a1', 'b1', 'c2']);
      expect(asked()).toEqual([
        ['a', 'b'],
        ['a', 'b', 'c'],
      ]);
      await waitUntil('all are filled', () => of('cache.load').length === 5);
      const fresh = await cache.getOrLoadAll(['a', 'b', 'c'], loader, { ttl: '1h' });
      expect([...fresh.values()]).toEqual(['a2', 'b2', 'c2']);
      expect(asked()).toHaveLength(2);
    });
  });
};

onEveryTopology(suite);
onEmbeddedServer(suite);
