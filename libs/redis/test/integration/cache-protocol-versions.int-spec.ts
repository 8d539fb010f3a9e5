import { describe, expect, it, jest } from '@jest/globals';
import { CLAIM } from '../../src/cache/store/scripts.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { listenedCache } from './support/cache-stage.js';
import { heldLoader } from './support/latch.js';
import { onEveryTopology, type Stage } from './support/repository-servers.js';
import { pass } from '../../../../test/support/time.js';

async function stageOf(stage: Stage) {
  const keys = stage.keys();
  const { cache } = listenedCache(stage.client, keys);
  const other = listenedCache(await stage.open(), keys).cache;
  return { keys, cache, other };
}

onEveryTopology((stage) => {
  describe('The version of a tag', () => {
    it('is different each time that it is made, also by a command that is sent twice', async () => {
      const key = stage.keys().tagKey('t');
      const capture = async () => {
        const args = ['unique', '0', '1000', '2000'];
        const [, version] = (await CLAIM.run(stage.client, [key, key], args)) as unknown[];
        return version;
      };
      const first = await capture();
      expect(await capture()).toEqual(first);
      await stage.client.unlink(key);
      expect(await capture()).not.toEqual(first);
    });

    it('does not come back after it has been lost', async () => {
      const { cache, keys } = await stageOf(stage);
      let source = 'old';
      const load = (id: string) => cache.getOrLoad(['x', id], () => source, { tags: ['t'] });
      await load('1');
      source = 'new';
      await cache.invalidateTags('t');
      await load('2'); // there is a version again
      expect(await load('1')).toBe('new');
      await stage.client.unlink(keys.tagKey('t')); // evicted
      source = 'newest';
      await load('3');
      expect(await load('1')).toBe('newest');
    });

    it.each(['named', 'found'])(
      'must exist for each entry that depends on it, with a tag that is %s',
      async (how) => {
        const { cache, keys } = await stageOf(stage);
        const tags = how === 'named' ? ['t'] : [];
        await cache.getOrLoad('x', (c) => c.dependOn({ tags: ['t'] }), { tags, negativeTtl: '1m' });
        expect(await cache.get('x', { tags })).toBeUndefined();
        await cache.getOrLoad(
          'y',
          async (context) => {
            await context.dependOn({ tags: ['t'] });
            return 'value';
          },
          { tags },
        );
        expect(await cache.get('y', { tags })).toBe('value');
        await stage.client.unlink(keys.tagKey('t')); // evicted, or flushed
        expect(await cache.get('y', { tags })).toBeUndefined();
      },
    );

    it('counts for each reader, also for one that does not name the tag', async () => {
      const { cache, other } = await stageOf(stage);
      await cache.getOrLoad('x', () => 'old', { tags: ['a', 'b'] });
      expect(await other.get('x')).toBe('old');
      await other.invalidateTags('b');
      expect(await cache.get('x')).toBeUndefined();
      expect(await other.get('x', { tags: ['a'] })).toBeUndefined();
    });

    it('is compared for each call that names it, also beside calls with nearly the same tags', async () => {
      const { cache, other } = await stageOf(stage);
      const [one, two] = [
        ['first', 'b', 'last'],
        ['first', 'c', 'last'],
      ];
      const load = (id: string, tags: string[] | undefined) =>
        cache.getOrLoad(['x', id], () => 'old', { tags });
      await Promise.all([load('1', one), load('2', two)]);
      await other.invalidateTags('c');
      const read = (id: string, tags: string[] | undefined) => cache.get(['x', id], { tags });
      expect(await read('1', one)).toBe('old');
      expect(await read('2', two)).toBeUndefined();
      expect(await read('1', two)).toBeUndefined();
      expect(await Promise.all([read('1', one), read('2', two)])).toEqual(['old', undefined]);
    });

    it('is not confused with that of another tag that is read at the same time', async () => {
      const { cache, other } = await stageOf(stage);
      const both = ['{same}a', '{same}b']; // made by one command, so that their versions are equal
      await cache.getOrLoad('both', () => 'old', { tags: both });
      const reads = both.map((tag) => () => cache.getOrLoad(tag, () => 'old', { tags: [tag] }));
      for (const read of reads) await read();
      await other.invalidateTags('{same}b');
      const read = (tag: string) => cache.get(tag, { tags: [tag] });
      expect(await Promise.all(both.map(read))).toEqual(['old', undefined]);
      expect(await Promise.all(both.reverse().map(read))).toEqual([undefined, 'old']);
    });

    it('is required if a call names it: an entry without it is not served', async () => {
      const { cache } = await stageOf(stage);
      await cache.getOrLoad('x', () => 'old', { tags: ['a'] });
      expect(await cache.get('x', { tags: ['a', 'b'] })).toBeUndefined();
      expect(await cache.get('x', { tags: ['a'] })).toBe('old');
    });

    it('is captured before the source is read', async () => {
      const { cache, other } = await stageOf(stage);
      const old = heldLoader(() => 'old');
      const loading = cache.getOrLoad('x', old.load, { tags: ['t'] });
      await old.hasRead;
      await other.invalidateTags('t');
      old.finish();
      expect(await loading).toBe('old');
      expect(await other.get('x', { tags: ['t'] })).toBeUndefined();
    });

    it('is captured before the source is read, also for a foreign key', async () => {
      const { cache, other } = await stageOf(stage);
      const foreign = stage.keys().key('foreign', 'x');
      const options = { dependsOn: [foreign] };
      const old = heldLoader(() => 'old');
      const loading = cache.getOrLoad('x', old.load, options);
      await old.hasRead;
      await stage.client.set(foreign, 'changed');
      old.finish();
      await loading;
      expect(await other.get('x', options)).toBeUndefined();
    });

    it('comes from the read of the loader', async () => {
      const { cache, other } = await stageOf(stage);
      const foreign = stage.keys().key('foreign', 'x');
      await stage.client.set(foreign, 'a');
      const load = () => other.getOrLoad('x', (context) => context.read(foreign));
      expect(await load()).toBe('a');
      await stage.client.set(foreign, 'b');
      expect(await cache.get('x')).toBeUndefined();
      expect(await load()).toBe('b');
    });

    it('makes a load start over if its tag was named too late', async () => {
      const { cache, other } = await stageOf(stage);
      let source = 'old';
      const old = heldLoader(() => source);
      const loading = cache.getOrLoad('x', async (context) => {
        const read = await old.load();
        context.addTags('late');
        return read;
      });
      await old.hasRead;
      source = 'new';
      await other.invalidateTags('late');
      old.finish();
      expect(await loading).toBe('new');
      expect(await other.get('x')).toBe('new');
    });

    it('lives longer than the entries that depend on it', async () => {
      const { cache, keys } = await stageOf(stage);
      const lifeOf = (key: string) => stage.client.pttl(key);
      await cache.getOrLoad('x', () => 1, { tags: ['t'], ttl: '1s' });
      await cache.getOrLoad('y', () => 1, { tags: ['t'], ttl: '5h', jitter: 0 });
      const tag = keys.tagKey('t');
      expect(await lifeOf(tag)).toBeGreaterThan(await lifeOf(keys.key('cache', 'y')));
      const longer = cache.getOrLoad('z', (context) => (context.setTtl('4d'), 1), { tags: ['t'] });
      await longer;
      expect(await lifeOf(tag)).toBeGreaterThan(await lifeOf(keys.key('cache', 'z')));
    });
  });

  describe('An invalidated value', () => {
    const expiresSoon = { tags: ['t'], ttl: '20ms', jitter: 0 } as const;
    const expired = async (
      cache: Awaited<ReturnType<typeof stageOf>>['cache'],
      options: object,
    ) => {
      await waitUntil('it has expired', async () => {
        const found = await cache.peek('x', options); // refreshes nothing
        return found?.status === 'stale';
      });
    };

    it('is not served as stale', async () => {
      const { cache, other } = await stageOf(stage);
      const options = { ...expiresSoon, staleFor: '1m' } as const;
      await cache.getOrLoad('x', () => 'old', options);
      await expired(cache, options);
      await other.invalidateTags('t');
      expect(await cache.resolve('x', () => 'new', options)).toMatchObject({
        value: 'new',
        status: 'miss',
      });
    });

    it('is not served if the loader fails, unlike an expired one', async () => {
      const { cache, other } = await stageOf(stage);
      const options = { ...expiresSoon, failSafe: '1m' } as const;
      const failure = () => Promise.reject(new Error('no luck'));
      await cache.getOrLoad('x', () => 'old', options);
      await waitUntil('it has expired', async () => {
        return (await cache.resolve('x', failure, options)).status === 'stale';
      });
      await other.invalidateTags('t');
      await expect(cache.getOrLoad('x', failure, options)).rejects.toThrow('no luck');
    });

    it('is not accepted by a caller that waits for the loading process', async () => {
      const { cache, other } = await stageOf(stage);
      const old = heldLoader(() => 'old');
      const loading = cache.getOrLoad('x', old.load, { tags: ['t'] });
      await old.hasRead;
      await other.invalidateTags('t');
      const loader = jest.fn(() => 'new');
      const waiting = other.getOrLoad('x', loader, { tags: ['t'] });
      await pass(20); // it does not load meanwhile
      expect(loader).not.toHaveBeenCalled();
      old.finish();
      expect(await loading).toBe('old');
      expect(await waiting).toBe('new');
    });
  });
});
