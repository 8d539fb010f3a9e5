import { describe, expect, it, jest } from '@jest/globals';
import { waitUntil } from '../../src/testing/wait-until.js';
import { onEveryTopology } from './support/repository-servers.js';
import { listenedCache } from './support/cache-stage.js';
import { heldLoader } from './support/latch.js';
import { recordCommands } from './support/record-commands.js';
import { pass } from '../../../../test/support/time.js';

onEveryTopology((stage) => {
  describe('RedisCache', () => {
    it('loads once, and then serves the cached value', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      const loader = jest.fn(() => ({ title: 'One' }));
      expect(await cache.getOrLoad(['post', 1], loader)).toEqual({ title: 'One' });
      expect(await cache.getOrLoad('post:1', loader)).toEqual({ title: 'One' });
      expect(loader).toHaveBeenCalledTimes(1);
      expect(of('cache.request').map(({ result }) => result)).toEqual(['miss', 'hit']);
    });

    it('loads again after an invalidation of one of its tags, and of no other tag', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      let version = 0;
      const load = (id: number, tags: string[]) =>
        cache.getOrLoad(['post', id], () => ++version, { tags });
      expect([await load(1, ['a', 'b']), await load(2, ['b', 'c'])]).toEqual([1, 2]);
      await cache.invalidateTags('a');
      expect([await load(1, ['a', 'b']), await load(2, ['b', 'c'])]).toEqual([3, 2]);
      await cache.invalidateTags('b', 'unknown');
      expect([await load(1, ['a', 'b']), await load(2, ['b', 'c'])]).toEqual([4, 5]);
    });

    it('loads once for 50 callers in each of three caches', async () => {
      const keys = stage.keys();
      const caches = await Promise.all(
        [1, 2, 3].map(async () => listenedCache(await stage.open(), keys)),
      );
      let loads = 0;
      const loader = async () => {
        loads++;
        await pass(50); // all have asked meanwhile, or find the entry
        return 'value';
      };
      const calls = caches.flatMap(({ cache }) =>
        Array.from({ length: 50 }, () => cache.getOrLoad('one', loader, { tags: ['t'] })),
      );
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['value']));
      expect(loads).toBe(1);
    });

    it('returns a load that an invalidation has overtaken only to its own callers', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      let source = 'old';
      const held = heldLoader(() => source);
      const first = cache.getOrLoad('x', held.load, { tags: ['t'] });
      await held.hasRead;
      source = 'new';
      await cache.invalidateTags('t');
      const { names } = recordCommands(stage.client);
      const second = cache.getOrLoad('x', () => source, { tags: ['t'] });
      await waitUntil('the second has looked', () => names().includes('mget'));
      held.finish();
      expect(await first).toBe('old');
      expect(await second).toBe('new');
      expect(await cache.get('x', { tags: ['t'] })).toBe('new');
    });

    it('returns a load that a deletion has overtaken only to its own callers', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      let source = 'old';
      const held = heldLoader(() => source);
      const first = cache.getOrLoad('x', held.load);
      await held.hasRead;
      source = 'new';
      await cache.delete('x');
      held.finish();
      expect(await first).toBe('old');
      expect(await cache.getOrLoad('x', () => source)).toBe('new');
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual(['lost', 'filled']);
    });

    it('depends on tags that were named during the load', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      let loads = 0;
      const load = () =>
        cache.getOrLoad('x', async (context) => {
          await context.dependOn({ tags: ['early'] });
          context.addTags('late');
          return ++loads;
        });
      expect(await load()).toBe(2); // the late tag makes it load twice
      expect(await load()).toBe(2);
      await cache.invalidateTags('early');
      expect(await load()).toBe(4);
      await cache.invalidateTags('late');
      expect(await load()).toBe(6);
    });

    it('depends on the content of foreign keys', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      let loads = 0;
      const load = () => cache.getOrLoad('x', () => ++loads, { dependsOn: ['foreign', 'hash'] });
      expect([await load(), await load()]).toEqual([1, 1]);
      await stage.client.set('foreign', 'a');
      expect([await load(), await load()]).toEqual([2, 2]);
      await stage.client.set('foreign', 'a');
      expect(await load()).toBe(2);
      await stage.client.del('foreign');
      expect(await load()).toBe(3);
    });

    it('serves a stale value while one caller refreshes it', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      let n = 0;
      const load = (ttl: '50ms' | '1m') =>
        cache.resolve('x', () => ++n, { ttl, staleFor: '1m', jitter: 0 });
      expect(await load('50ms')).toMatchObject({ value: 1, status: 'miss' });
      await pass(70);
      const results = await Promise.all(Array.from({ length: 20 }, () => load('1m')));
      expect(results.every(({ status, value }) => status === 'stale' && value === 1)).toBe(true);
      await waitUntil('it is refreshed', async () => (await load('1m')).status === 'hit');
      expect(n).toBe(2);
      expect(await load('1m')).toMatchObject({ value: 2, status: 'hit' });
    });

    it('deletes entries and leases by pattern', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      for (const id of [1, 2, 3]) await cache.getOrLoad(['post', id], () => 'x');
      await cache.getOrLoad(['other', 1], () => 'x');
      expect(await cache.invalidatePattern('post:*')).toBe(3);
      expect(await cache.get(['post', 1])).toBeUndefined();
      expect(await cache.get(['other', 1])).toBe('x');
    });

    it.each([0, '', false, null, undefined, [], {}])('keeps %p as it is', async (value) => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const loader = jest.fn(() => value);
      const load = () => cache.getOrLoad('x', loader, { negativeTtl: '1m' });
      expect(await load()).toEqual(value);
      expect(await load()).toEqual(value);
      expect(loader).toHaveBeenCalledTimes(1);
    });
  });
});
