/** The near copy of a cache: what it serves without a round trip, and what it must not serve. */
import { describe, expect, it, jest } from '@jest/globals';
import type { RedisCacheOptions } from '../../src/index.js';
import { eventually } from '../../../../test/support/time.js';
import { listenedCache } from './support/cache-stage.js';
import { onEveryTopology, type Stage } from './support/repository-servers.js';

const NEAR = { maxBytes: 2 ** 20, staleness: '2s' } as const;

/** Caches of one application, each on a connection of its own, as in processes of their own. */
function processesOn(stage: Stage) {
  const keys = stage.keys();
  return {
    keys,
    async start(options: RedisCacheOptions = {}) {
      const client = await stage.open();
      return { client, ...listenedCache(client, keys, { ttl: '1m', near: NEAR, ...options }) };
    },
  };
}

type Started = Awaited<ReturnType<ReturnType<typeof processesOn>['start']>>;

/** Reads until the value comes from the near copy. */
async function warm({ cache }: Started, key: string, tags: string[] = []): Promise<void> {
  const { hits = 0 } = cache.nearState ?? {};
  await eventually(async () => {
    await cache.getOrLoad(key, () => 'old', { tags });
    expect(cache.nearState?.hits).toBeGreaterThan(hits);
  });
}

onEveryTopology((stage) => {
  describe('A near copy', () => {
    it('serves what was read, without a round trip', async () => {
      const one = await processesOn(stage).start();
      await warm(one, 'x', ['t']);
      const sent = jest.spyOn(one.client, 'sendCommand');
      const loader = jest.fn(() => 'new');
      expect(await one.cache.resolve('x', loader, { tags: ['t'] })).toMatchObject({
        value: 'old',
        status: 'hit',
      });
      expect([sent.mock.calls.length, loader.mock.calls.length]).toEqual([0, 0]);
      expect(one.of('cache.request').at(-1)).toMatchObject({ result: 'hit' });
    });

    it('hears of what another process invalidates, by tag and by key', async () => {
      const processes = processesOn(stage);
      const [one, other] = [await processes.start(), await processes.start()];
      await warm(one, 'x', ['t']);
      await other.cache.invalidateTags('t');
      await eventually(async () => {
        expect(await one.cache.getOrLoad('x', () => 'new', { tags: ['t'] })).toBe('new');
      });
      await warm(one, 'y');
      await other.cache.delete('y');
      await eventually(async () => {
        expect(await one.cache.getOrLoad('y', () => 'new')).toBe('new');
      });
    });

    it('never serves what this process has invalidated, set or changed', async () => {
      const { cache, ...one } = await processesOn(stage).start();
      for (let i = 0; i < 20; i++) {
        const key = `x${i}`;
        await warm({ cache, ...one }, key, ['t']);
        if (i % 4 === 0) await cache.invalidateTags('t');
        if (i % 4 === 1) await cache.delete(key);
        if (i % 4 === 2) await cache.set(key, 'new', { tags: ['t'] });
        if (i % 4 === 3) await cache.change({ tags: ['t'] }, () => undefined);
        expect(await cache.getOrLoad(key, () => 'new', { tags: ['t'] })).toBe('new');
      }
    });

    it('is asked for nothing by a caller who wants the value of Redis', async () => {
      const one = await processesOn(stage).start();
      await warm(one, 'x');
      const sent = jest.spyOn(one.client, 'sendCommand');
      expect(await one.cache.getOrLoad('x', () => 'new', { near: false })).toBe('old');
      expect(sent).toHaveBeenCalled();
    });

    it('serves each caller a copy of its own, or with "frozen" one that none can change', async () => {
      const processes = processesOn(stage);
      const copies = await processes.start();
      const value = { list: [{ a: 1 }] };
      const read = (one: Started) => one.cache.getOrLoad('v', () => value);
      await eventually(async () => {
        await read(copies);
        expect(copies.cache.nearState?.hits).toBeGreaterThan(1);
      });
      const [first, second] = [await read(copies), await read(copies)];
      expect(first).toEqual(value);
      expect(first).not.toBe(second);

      const frozen = await processes.start({ near: { ...NEAR, shared: 'frozen' } });
      const travelled = await read(frozen);
      await eventually(async () => {
        await read(frozen);
        expect(frozen.cache.nearState?.hits).toBeGreaterThan(1);
      });
      expect(await read(frozen)).toBe(await read(frozen));
      for (const one of [travelled, await read(frozen)]) {
        expect(one).toEqual(value);
        expect(() => one.list.push({ a: 2 })).toThrow(TypeError);
        expect(() => Object.assign(one.list[0] ?? {}, { a: 2 })).toThrow(TypeError);
      }
    });
  });
});
