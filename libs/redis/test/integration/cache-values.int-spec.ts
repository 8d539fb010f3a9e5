import { describe, expect, it, jest } from '@jest/globals';
import { describeWithRealRedis, hasRealRedis } from '../../../../test/support/real-redis.js';
import type { CacheKey } from '../../src/cache/cache-options.js';
import type { CacheSerializer } from '../../src/serialization/cache-serializer.js';
import { CacheKeys } from '../../src/cache/cache-keys.js';
import { caught } from './support/caught.js';
import { listenedCache } from './support/cache-stage.js';
import { onEveryTopology, type Stage } from './support/repository-servers.js';
import { SOON_MS, timed } from '../../../../test/support/time.js';

/** A cache with keys of its own, and where it keeps what. */
function stored(stage: Stage) {
  const keys = stage.keys();
  const listened = listenedCache(stage.client, keys);
  const at = (key: CacheKey) => new CacheKeys(keys, 'default').of(key);
  return { ...listened, keys, at };
}

onEveryTopology((stage) => {
  describe('A value in RedisCache', () => {
    it('is the value after JSON, also for the caller that loads it', async () => {
      const { cache } = stored(stage);
      const load = () => cache.getOrLoad<unknown>('x', () => ({ zero: -0, none: undefined }));
      expect([await load(), await load()]).toStrictEqual([{ zero: 0 }, { zero: 0 }]);
    });

    it('is the value after the serializer', async () => {
      const { cache } = stored(stage);
      const serializer: CacheSerializer<Date> = {
        name: 'date',
        serialize: (date) => date.toISOString(),
        deserialize: (body) => new Date(body.toString()),
      };
      const load = () => cache.getOrLoad('x', () => new Date(5), { serializer });
      expect([await load(), await load()]).toEqual([new Date(5), new Date(5)]);
      expect(await cache.get('x', { serializer })).toEqual(new Date(5));
    });

    it('is a new object for each caller', async () => {
      const { cache } = stored(stage);
      const load = () => cache.getOrLoad('x', async () => ({ list: [1] }));
      const [one, other] = await Promise.all([load(), load()]);
      one.list.push(2);
      expect(other).toEqual({ list: [1] });
      expect(await load()).toEqual({ list: [1] });
    });

    const circular: Record<string, unknown> = {};
    circular['self'] = circular;
    it.each([
      ['a BigInt', 1n],
      ['a circular structure', circular],
      ['a function', () => 1],
      ['a Date', new Date(0)],
    ])('is never %s: the call rejects, and no caller waits for its lease', async (_, value) => {
      const { cache } = stored(stage);
      const error = await caught(cache.getOrLoad<unknown>('x', () => value));
      expect(error).toHaveProperty('name', 'RedisSerializationException');
      const { ms, result } = await timed(() => cache.resolve('x', () => 'good'));
      expect(result).toMatchObject({ value: 'good', status: 'miss' });
      expect(ms).toBeLessThan(SOON_MS);
      expect(await caught(cache.set('x', value))).toHaveProperty('name', error.name);
      expect(await cache.get('x')).toBe('good');
    });

    it('may be as large as a megabyte', async () => {
      const { cache } = stored(stage);
      const text = 'é'.repeat(500_000);
      expect(await cache.getOrLoad('x', () => text)).toBe(text);
      expect(await cache.get('x')).toBe(text);
    });

    it('is found by its own key and tags only, whatever they contain', async () => {
      const { cache } = stored(stage);
      const hostile = [
        '__proto__',
        'constructor',
        'a:b',
        '*',
        '{x}',
        '{x',
        '😀',
        '\n',
        '%',
        '\ud800',
      ];
      const keys: CacheKey[] = [...hostile.map((part) => [part] as const), ['a', 'b'], [1, '*']];
      for (const [i, key] of keys.entries()) {
        const tags = i < hostile.length ? [hostile[i] as string] : [];
        expect(await cache.getOrLoad(key, () => i, { tags })).toBe(i);
      }
      for (const [i, key] of keys.entries()) expect(await cache.get(key)).toBe(i);
      await cache.invalidateTags('*', '__proto__');
      const left = await Promise.all(keys.map((key) => cache.get(key)));
      expect(left).toEqual(keys.map((_, i) => (i === 0 || i === 3 ? undefined : i)));
      await cache.invalidateTags(...hostile);
      const untagged = await Promise.all(keys.map((key) => cache.get(key)));
      expect(untagged).toEqual(keys.map((_, i) => (i < hostile.length ? undefined : i)));
    });

    it.each<[string, CacheKey]>([
      ['an empty text', ''],
      ['an empty list', [] as unknown as CacheKey],
      ['an empty part', ['post', '']],
      ['a text with an empty part', 'post:'],
      ['an invalid part', ['post', {} as string]],
    ])('cannot have %s as its key', async (_, key) => {
      const { cache } = stored(stage);
      const loader = jest.fn(() => 1);
      for (const work of [
        () => cache.getOrLoad(key, loader),
        () => cache.get(key),
        () => cache.set(key, 1),
        () => cache.delete(key),
      ]) {
        expect(await caught(work())).toHaveProperty('name', 'RedisInvalidKeyException');
      }
      expect(loader).not.toHaveBeenCalled();
    });

    it('has no empty tag, and an invalidation with an empty tag invalidates nothing', async () => {
      const { cache } = stored(stage);
      const load = () => cache.getOrLoad('x', () => 1, { tags: [''] });
      expect(await caught(load())).toHaveProperty('name', 'RedisInvalidKeyException');
      await cache.getOrLoad('x', () => 1, { tags: ['t'] });
      const error = await caught(cache.invalidateTags('t', ''));
      expect(error).toHaveProperty('name', 'RedisInvalidKeyException');
      expect(await cache.get('x')).toBe(1);
    });
  });

  describe('A foreign value at a key of RedisCache', () => {
    const valid = `c1v${'x'.repeat(22)}${'0'.repeat(26)}${'1'.repeat(13)}`;
    it.each([
      ['foreign text', 'something'],
      ['foreign JSON', '{"a":1}'],
      ['a torn header', valid.slice(0, 30)],
      ['a header without its dependencies', `${valid}0000009abc`],
      ['a body that is no JSON', `${valid}0000000{"a":`],
      ['malformed dependencies', `${valid}0000006kx\n1\n\n{}`],
      ['a future format', `c9${valid.slice(2)}00000001`],
      ['nothing', ''],
    ])('counts as a miss, is announced, and is overwritten: %s', async (_, text) => {
      const { cache, of, at } = stored(stage);
      await stage.client.set(at('x').entry, text, 'PX', 60_000);
      expect(await cache.get('x')).toBeUndefined();
      const loader = jest.fn(() => 'value');
      expect(await cache.resolve('x', loader)).toMatchObject({ value: 'value', status: 'miss' });
      expect(of('cache.corrupt').length).toBeGreaterThan(0);
      expect(await cache.resolve('x', loader)).toMatchObject({ value: 'value', status: 'hit' });
      expect(loader).toHaveBeenCalledTimes(1);
    });

    it('counts as a miss if it has another type', async () => {
      const { cache, of, at, keys } = stored(stage);
      const { entry, lease } = at('x');
      for (const key of [entry, lease, keys.tagKey('t')]) await stage.client.rpush(key, 'a');
      const load = () => cache.resolve('x', () => 'value', { tags: ['t'] });
      const { ms, result } = await timed(load);
      expect(result).toMatchObject({ value: 'value', status: 'miss' });
      expect(ms).toBeLessThan(SOON_MS);
      expect(of('cache.corrupt')).toEqual([
        { type: 'cache.corrupt', connection: 'default', cache: 'default', key: entry },
      ]);
      expect(await load()).toMatchObject({ status: 'hit' });
      await stage.client.del(keys.tagKey('t'));
      await stage.client.hset(keys.tagKey('t'), 'a', 1);
      expect(await load()).toMatchObject({ status: 'miss' });
      expect(await load()).toMatchObject({ status: 'hit' });
    });

    it('is no version at the key of a tag', async () => {
      const { cache, keys } = stored(stage);
      const load = () => cache.resolve('x', () => 'value', { tags: ['t'] });
      for (const foreign of ['', 'foreign', 'v1\nt2', '1']) {
        await stage.client.set(keys.tagKey('t'), foreign);
        expect(await load()).toMatchObject({ status: 'miss' });
        expect(await load()).toMatchObject({ status: 'hit' });
      }
    });

    it('never keeps a caller waiting at the key of a lease', async () => {
      const { cache, at } = stored(stage);
      await stage.client.set(at('x').lease, 'foreign', 'PX', 60);
      const { ms, result } = await timed(() => cache.resolve('x', () => 'value'));
      expect(result).toMatchObject({ value: 'value', status: 'miss' });
      expect(ms).toBeLessThan(SOON_MS);
    });

    if (hasRealRedis) {
      it('may be large, but not as a dependency', async () => {
        const { cache } = stored(stage);
        await stage.client.set('large', 'x'.repeat(1024 * 1024 + 1));
        const loader = jest.fn(() => 'value');
        const named = await caught(cache.getOrLoad('x', loader, { dependsOn: ['large'] }));
        expect(named).toMatchObject({ name: 'RedisConfigurationException' });
        expect(named.message).toMatch(/dependsOn=large: .*1048576 bytes.*use a tag/);
        expect(loader).not.toHaveBeenCalled();
        const found = await caught(
          cache.getOrLoad('y', async (context) => {
            await context.dependOn({ keys: ['large'] });
          }),
        );
        expect(found.message).toBe(named.message);
        const read = await caught(cache.getOrLoad('z', (context) => context.read('large')));
        expect(read.message).toBe(named.message);
        const { ms } = await timed(() => cache.getOrLoad('x', loader));
        expect(ms).toBeLessThan(SOON_MS);
        await stage.client.del('large');
      });
    }
  });

  describeWithRealRedis('A dependency of RedisCache', () => {
    it.each([
      ['hash', (key: string, value: string) => stage.client.hset(key, 'field', value)],
      ['list', (key: string, value: string) => stage.client.rpush(key, value)],
      ['set', (key: string, value: string) => stage.client.sadd(key, value)],
      ['sorted set', (key: string, value: string) => stage.client.zadd(key, 1, value)],
    ])('may be the content of a %s', async (type, write) => {
      const { cache, keys } = stored(stage);
      const key = keys.key('foreign', type);
      const load = () => cache.resolve('x', () => 'value', { dependsOn: [key] });
      const statuses = async () => [(await load()).status, (await load()).status];
      expect(await statuses()).toEqual(['miss', 'hit']);
      await write(key, 'a');
      expect(await statuses()).toEqual(['miss', 'hit']);
      await write(key, 'b');
      expect(await statuses()).toEqual(['miss', 'hit']);
      await stage.client.del(key);
      expect(await statuses()).toEqual(['miss', 'hit']);
    });

    it('has exactly the content that the loader has read', async () => {
      const { cache, keys } = stored(stage);
      const key = keys.key('foreign', 'text');
      await stage.client.set(key, 'a');
      const load = () =>
        cache.resolve('x', async (context) => {
          const text = await context.read(key);
          await stage.client.set(key, 'in between');
          await stage.client.set(key, 'a');
          return text;
        });
      expect(await load()).toMatchObject({ value: 'a', status: 'miss' });
      expect(await load()).toMatchObject({ value: 'a', status: 'hit' });
      await stage.client.set(key, 'b');
      expect(await load()).toMatchObject({ value: 'b', status: 'miss' });
      expect(await cache.getOrLoad('none', (context) => context.read('nothing here'))).toBeNull();
      const twice = cache.resolve('twice', async (context) => {
        const first = await context.read(key);
        await stage.client.set(key, 'c');
        return [first, await context.read(key)];
      });
      expect(await twice).toMatchObject({ value: ['a', 'c'] });
      expect(await cache.get('twice')).toBeUndefined(); // two states
    });
  });
});
