import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { describe, expect, it } from '@jest/globals';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { listenedCache } from './support/cache-stage.js';
import { heldLoader } from './support/latch.js';
import { recordCommands } from './support/record-commands.js';
import { onEveryTopology, onOneServer } from './support/repository-servers.js';
import { pass, timed } from '../../../../test/support/time.js';

onEveryTopology((stage) => {
  describe('RedisCache.invalidatePattern', () => {
    it('treats all characters but the asterisk literally', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const ids = ['a', 'b', '[ab]', '?', 'a*', '\\', 'a:b', '{a}', '^a'];
      const all = () => Promise.all(ids.map((id) => cache.get(['p', id])));
      const fill = () => Promise.all(ids.map((id) => cache.set(['p', id], id)));
      for (const [pattern, gone] of [
        ['p:[ab]', ['[ab]']],
        ['p:?', ['?']],
        ['p:\\', ['\\']],
        ['p:^a', ['^a']],
        ['p:{a}', ['{a}']],
        ['p:a*', ['a', 'a*', 'a:b']],
        ['q:*', []],
        ['*', ids],
      ] as const) {
        await fill();
        expect(await cache.invalidatePattern(pattern)).toBe(gone.length);
        const expected = ids.map((id) =>
          (gone as readonly string[]).includes(id) ? undefined : id,
        );
        expect(await all()).toEqual(expected);
      }
      const error = await caught(cache.invalidatePattern('p::*'));
      expect(error).toHaveProperty('name', 'RedisInvalidKeyException');
    });

    // The embedded server's SCAN misses keys while others are deleted.
    describeWithRealRedis('with many entries', () => {
      it('reports its progress on every primary, and stops with its signal', async () => {
        const { cache, of } = listenedCache(stage.client, stage.keys(), { timeout: '10s' });
        const ids = Array.from({ length: 1_500 }, (_, i) => i);
        const fill = () => Promise.all(ids.map((id) => cache.set(['many', id], id)));
        await fill();
        const steps: number[] = [];
        const onProgress = (deleted: number) => steps.push(deleted);
        expect(await cache.invalidatePattern('many:*', { onProgress })).toBe(1_500);
        expect(steps.length).toBeGreaterThan(2);
        expect(steps).toEqual([...steps].sort((a, b) => a - b));
        expect(steps.at(-1)).toBe(1_500);
        await fill();
        const stop = new AbortController();
        const error = await caught(
          cache.invalidatePattern('many:*', {
            onProgress: () => {
              stop.abort(new Error('enough'));
            },
            signal: stop.signal,
          }),
        );
        expect(error.message).toBe('enough');
        const left = await Promise.all(ids.map((id) => cache.get(['many', id])));
        const gone = left.filter((value) => value === undefined).length;
        expect(gone).toBeGreaterThan(0);
        expect(gone).toBeLessThan(1_500);
        expect(of('cache.invalidation')).toMatchObject([
          { by: 'pattern', count: 1_500, failed: 0 },
          { by: 'pattern', count: gone, failed: 1 },
        ]);
        const mistake = new Error('of the program');
        const onThrow = () => {
          throw mistake;
        };
        expect(await caught(cache.invalidatePattern('many:*', { onProgress: onThrow }))).toBe(
          mistake,
        );
      });
    });

    it('deletes only entries of its own cache', async () => {
      const keys = stage.keys();
      const named = listenedCache(stage.client, keys, { name: 'posts' }).cache;
      const other = listenedCache(stage.client, keys, { name: 'users' }).cache;
      await Promise.all([named.set('x', 1), other.set('x', 2)]);
      expect(await named.invalidatePattern('*')).toBe(1);
      expect(await other.get('x')).toBe(2);
    });
  });

  describe('Named caches', () => {
    it('share tags, but no entries', async () => {
      const keys = stage.keys();
      const open = (name: string) => listenedCache(stage.client, keys, { name });
      const [posts, users] = [open('posts'), open('users')];
      const load = ({ cache }: typeof posts, value: string) =>
        cache.getOrLoad(['x'], () => value, { tags: ['t'] });
      expect([await load(posts, 'post'), await load(users, 'user')]).toEqual(['post', 'user']);
      expect([await load(posts, 'no'), await load(users, 'no')]).toEqual(['post', 'user']);
      expect(await posts.cache.get(keys.cacheKey('posts', 'x'))).toBe('post');
      await posts.cache.invalidateTags('t');
      expect([await load(posts, 'new'), await load(users, 'new')]).toEqual(['new', 'new']);
      expect(posts.events.every(({ cache }) => cache === 'posts')).toBe(true);
      expect(users.of('cache.request').map(({ result }) => result)).toEqual([
        'miss',
        'hit',
        'miss',
      ]);
    });
  });
});

onOneServer((stage) => {
  describe('An event of RedisCache', () => {
    it('has facts for an operator, and no value', async () => {
      const keys = stage.keys();
      const { cache, events, of } = listenedCache(stage.client, keys);
      const key = keys.cacheKey('post', 1);
      await cache.getOrLoad(['post', 1], () => 'secret', { tags: ['t'] });
      await cache.getOrLoad(['post', 1], () => 'secret', { tags: ['t'] });
      await cache.invalidateTags('t', 'u');
      await cache.delete(['post', 1]);
      await caught(cache.getOrLoad(['post', 1], () => Promise.reject(new Error('origin'))));
      const where = { connection: 'default', cache: 'default' };
      expect(events).toEqual([
        { type: 'cache.load', ...where, key, durationMs: expect.any(Number), outcome: 'filled' },
        { type: 'cache.request', ...where, key, result: 'miss' },
        { type: 'cache.request', ...where, key, result: 'hit' },
        { type: 'cache.invalidation', ...where, by: 'tag', count: 2, failed: 0, pending: 0 },
        { type: 'cache.invalidation', ...where, by: 'key', count: 1, failed: 0, pending: 0 },
        expect.objectContaining({
          type: 'cache.load',
          outcome: 'failed',
          error: new Error('origin'),
        }),
      ]);
      expect(JSON.stringify(events)).not.toContain('secret');
      expect(of('cache.failure')).toEqual([]);
    });

    it('says how long a caller waited for another process', async () => {
      const keys = stage.keys();
      const client = await stage.open();
      const [one, other] = [listenedCache(stage.client, keys), listenedCache(client, keys)];
      const { hasRead, load, finish } = heldLoader(() => 'value');
      const loading = one.cache.getOrLoad('x', load);
      await hasRead;
      const asked = recordCommands(client);
      const waiting = timed(() => other.cache.resolve('x', () => 'other'));
      const looks = () => asked.names().filter((name) => name === 'mget').length;
      await waitUntil('the other one waits', () => looks() > 1);
      await pass(60);
      finish();
      const { ms, result } = await waiting;
      expect(result).toMatchObject({ value: 'value', status: 'hit' });
      await loading;
      const [wait] = other.of('cache.lease-wait');
      expect(wait?.durationMs).toBeGreaterThan(50);
      expect(wait?.durationMs).toBeLessThan(ms);
    });
  });
});
