import { describe, expect, it, jest } from '@jest/globals';
import { primariesOf } from './support/primaries.js';
import { caught } from './support/caught.js';
import { listenedCache } from './support/cache-stage.js';
import { onEveryTopology } from './support/repository-servers.js';
import { SOON_MS } from '../../../../test/support/time.js';

onEveryTopology((stage) => {
  describe('The time that RedisCache keeps an entry', () => {
    const leftOf = (key: string) => stage.client.pttl(key);
    /** Other suites may be on the same cluster. */
    const spaces: string[] = [];
    const newKeys = () => {
      const keys = stage.keys();
      spaces.push(keys.environment);
      return keys;
    };

    it('is ttl, staleFor and failSafe together, for values only', async () => {
      const keys = newKeys();
      const options = { ttl: '10s', staleFor: '20s', failSafe: '30s', negativeTtl: '5s' } as const;
      const { cache } = listenedCache(stage.client, keys, { ...options, jitter: 0 });
      await cache.getOrLoad(['a', 'value'], () => 1);
      await cache.getOrLoad(['a', 'none'], () => null);
      await cache.set(['a', 'set'], 1, { ttl: '1m' });
      await cache.getOrLoad(['a', 'adaptive'], (context) => {
        context.setTtl('2m');
        return 1;
      });
      const expected = { value: 60_000, none: 5_000, set: 110_000, adaptive: 170_000 };
      for (const [name, ms] of Object.entries(expected)) {
        const left = await leftOf(keys.cacheKey('a', name));
        expect([name, left > ms - SOON_MS && left <= ms]).toEqual([name, true]);
      }
    });

    it('is up to a tenth shorter, or by the value of jitter', async () => {
      const keys = newKeys();
      const { cache } = listenedCache(stage.client, keys, { ttl: '100s' });
      const lefts = async (jitter?: number) => {
        const parts = Array.from({ length: 60 }, (_, i) => ['j', `${jitter}-${i}`] as const);
        await Promise.all(parts.map((key) => cache.getOrLoad(key, () => 1, { jitter })));
        return Promise.all(parts.map((key) => leftOf(keys.cacheKey(...key))));
      };
      const usual = await lefts();
      expect(Math.min(...usual)).toBeGreaterThan(85_000);
      expect(Math.max(...usual)).toBeLessThanOrEqual(100_000);
      expect(new Set(usual.map((left) => Math.floor(left / 1_000))).size).toBeGreaterThan(3);
      expect(Math.min(...(await lefts(1)))).toBeLessThan(50_000);
      expect(Math.min(...(await lefts(0)))).toBeGreaterThan(95_000);
    });

    it('is at most the time that its tags are kept, for any ttl of the loader', async () => {
      const keys = newKeys();
      const { cache } = listenedCache(stage.client, keys, { jitter: 0, negativeTtl: '4h' });
      await cache.getOrLoad(['l', 1], () => 1, { tags: ['short'], ttl: '1s' });
      await cache.getOrLoad(['l', 2], () => 1, { tags: ['long'], ttl: '2d', staleFor: '1d' });
      await cache.getOrLoad(['l', 3], (context) => (context.setTtl('3d'), 1), { tags: ['set'] });
      await cache.getOrLoad(['l', 4], () => null, { tags: ['none'], ttl: '1s' });
      await cache.set(['l', 5], 1, { tags: ['by hand'], ttl: '5d' });
      const names = ['short', 'long', 'set', 'none', 'by hand'];
      for (const [i, tag] of names.entries()) {
        const [entry, version] = [keys.cacheKey('l', i + 1), keys.tagKey(tag)];
        expect(await leftOf(version)).toBeGreaterThan(await leftOf(entry));
      }
      await cache.getOrLoad(['l', 6], () => 1, { tags: ['short'], ttl: '7d' });
      expect(await leftOf(keys.tagKey('short'))).toBeGreaterThan(7 * 86_400_000);
      expect(await cache.get(['l', 6], { tags: ['short'] })).toBe(1);
    });

    it('is limited for every key', async () => {
      const isOurs = (key: string) => spaces.some((space) => key.includes(space));
      let found = 0;
      for (const node of primariesOf(stage.client)) {
        let cursor = '0';
        do {
          const [next, keys] = await node.scan(cursor, 'COUNT', 1_000);
          cursor = next;
          for (const key of keys.filter(isOurs)) {
            expect([key, await leftOf(key)]).not.toEqual([key, -1]);
            found++;
          }
        } while (cursor !== '0');
      }
      expect(found).toBeGreaterThan(100);
    });

    it('is zero for null, unless there is a negativeTtl', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      const loader = jest.fn(() => null);
      await cache.set('x', 1);
      await cache.set('x', null);
      expect(await cache.get('x')).toBeUndefined();
      expect([await cache.getOrLoad('x', loader), await cache.getOrLoad('x', loader)]).toEqual([
        null,
        null,
      ]);
      expect(loader).toHaveBeenCalledTimes(2);
      const negativeTtl = '1m';
      expect(await cache.resolve('x', loader, { negativeTtl })).toMatchObject({ status: 'miss' });
      expect(await cache.resolve('x', loader, { negativeTtl })).toMatchObject({
        status: 'negative',
      });
      expect(await cache.get('x')).toBeNull();
      await cache.set('y', undefined, { negativeTtl });
      expect(await cache.resolve('y', loader)).toMatchObject({
        value: undefined,
        status: 'negative',
      });
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual([
        'skipped',
        'skipped',
        'filled',
      ]);
    });
  });

  describe('The call of a loader to its context', () => {
    it('keeps a value out of it', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      const load = () => cache.resolve('x', (context) => (context.skipCache(), 'value'));
      expect([(await load()).status, (await load()).status]).toEqual(['miss', 'miss']);
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped']);
    });

    it('may name tags late, but fails if it always names others', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      let n = 0;
      const load = () => cache.resolve('x', (context) => (context.addTags(`tag ${++n}`), n));
      expect(await load()).toMatchObject({ value: 2 });
      expect(await load()).toMatchObject({ value: 4, status: 'miss' });
    });

    it('rejects if it is invalid, and then nothing is cached', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const impossible = (context: { setTtl(ttl: never): void }) => {
        context.setTtl(5 as never);
        return 1;
      };
      const error = await caught(cache.getOrLoad('x', impossible));
      expect(error).toHaveProperty('name', 'RedisConfigurationException');
      const empty = await caught(cache.getOrLoad('x', (context) => (context.addTags(''), 1)));
      expect(empty).toHaveProperty('name', 'RedisInvalidKeyException');
      expect(await cache.get('x')).toBeUndefined();
    });

    it('may need many reads, which do not count towards the timeout of the call', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys(), {
        timeout: '500ms',
        breakerThreshold: 1,
      });
      const loaded = await cache.resolve('x', async (context) => {
        const until = performance.now() + 600;
        for (let i = 0; performance.now() < until; i++) {
          await context.dependOn({ tags: [`t${i % 5}`] });
          await context.read(`nothing ${i % 5}`);
        }
        return 'value';
      });
      expect(loaded).toMatchObject({ value: 'value', status: 'miss' });
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual(['filled']);
      expect(of('cache.breaker')).toEqual([]);
    });
  });
});
