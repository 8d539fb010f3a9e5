import { describe, expect, it, jest } from '@jest/globals';
import { onEveryTopology } from './support/repository-servers.js';
import { listenedCache } from './support/cache-stage.js';

const load = (missing: string[]) =>
  new Map(missing.map((key) => [key, `value of ${key}`] as const));

onEveryTopology((stage) => {
  describe('RedisCache.getOrLoadAll', () => {
    it('loads all that is missing with one call, and nothing the next time', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      await cache.getOrLoad('b', () => 'value of b');
      const loader = jest.fn(load);
      const first = await cache.getOrLoadAll(['a', 'b', 'c', 'a'], loader);
      expect([...first]).toEqual([
        ['a', 'value of a'],
        ['b', 'value of b'],
        ['c', 'value of c'],
      ]);
      expect(loader.mock.calls.map(([missing]) => missing)).toEqual([['a', 'c']]);
      expect(await cache.getOrLoadAll(['c', 'b', 'a'], loader)).toEqual(first);
      expect(loader).toHaveBeenCalledTimes(1);
      expect(of('cache.request').map(({ result }) => result)).toEqual([
        'miss',
        'hit',
        'miss',
        'miss',
        'hit',
        'hit',
        'hit',
      ]);
    });
  });
});
