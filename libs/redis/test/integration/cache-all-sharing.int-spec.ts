import { getEventListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it, jest } from '@jest/globals';
import { RedisLoadCycleException } from '../../src/index.js';
import type { RedisCache } from '../../src/cache/redis-cache.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { pass, SOON_MS, timed } from '../../../../test/support/time.js';
import { isAcquire } from './support/cache-commands.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { gated } from './support/gate.js';
import { latch } from './support/latch.js';
import { recordCommands } from './support/record-commands.js';
import { onCluster, onEveryTopology, onOneServer } from './support/repository-servers.js';

/** A loader of many that ends when it is told to. */
function heldLoader(valueOf: (key: string) => string = (key) => key) {
  const ending = latch();
  const signals: AbortSignal[] = [];
  const loader = jest.fn(async (missing: string[], context?: { signal: AbortSignal }) => {
    if (context) signals.push(context.signal);
    const values = new Map(missing.map((key) => [key, valueOf(key)]));
    await ending.opened;
    return values;
  });
  const asked = () => loader.mock.calls.map(([missing]) => missing);
  return {
    loader,
    asked,
    signals,
    began: () => waitUntil('the loader is called', () => asked().length > 0),
    end: ending.open,
  };
}

/** Makes a held loader that ends at once. */
function quickLoader(valueOf?: (key: string) => string) {
  const held = heldLoader(valueOf);
  held.end();
  return held;
}

const mapOf = (values: Record<string, string>) => new Map(Object.entries(values));
const isAcquireOf = (name: string) => (args: readonly unknown[]) =>
  isAcquire(args) && String(args[2]).endsWith(`:${name}`);

onEveryTopology((stage) => {
  const twoCaches = async () => {
    const keys = stage.keys();
    return {
      one: listenedCache(stage.client, keys),
      other: listenedCache(await stage.open(), keys),
    };
  };

  describe('Concurrent calls of getOrLoadAll', () => {
    it('load each key once, with any common keys in any order', async () => {
      const { one, other } = await twoCaches();
      const letters = 'abcdefghijkl'.split('');
      const loads: string[] = [];
      const load = async (missing: string[]) => {
        loads.push(...missing);
        await pass(20);
        return new Map(missing.map((key) => [key, key]));
      };
      const call = async (i: number) => {
        const some = [...letters.slice(i), ...letters.slice(0, i)].slice(0, 8);
        const keys = i % 2 === 0 ? some : some.reverse();
        const { cache } = i % 3 === 0 ? one : other;
        expect([...(await cache.getOrLoadAll(keys, load))]).toEqual(keys.map((key) => [key, key]));
      };
      const { ms } = await timed(() => Promise.all(letters.map((_, i) => call(i))));
      expect(loads.sort()).toEqual(letters);
      expect(ms).toBeLessThan(SOON_MS); // they would wait for each other for 10 s
    });

    it('load their other keys first if they wait for each other', async () => {
      const { one, other } = await twoCaches();
      const [a, b] = [heldLoader(), heldLoader()];
      const first = one.cache.getOrLoadAll(['a', 'x'], a.loader);
      await a.began();
      const second = other.cache.getOrLoadAll(['b', 'x', 'a'], b.loader);
      await b.began();
      const third = one.cache.getOrLoadAll(['c', 'b', 'a'], b.loader);
      await waitUntil('the rest is loaded', () => b.asked().length === 2);
      expect([...a.asked(), ...b.asked()]).toEqual([['a', 'x'], ['b'], ['c']]);
      a.end();
      b.end();
      expect([await first, await second, await third]).toEqual([
        mapOf({ a: 'a', x: 'x' }),
        mapOf({ b: 'b', x: 'x', a: 'a' }),
        mapOf({ c: 'c', b: 'b', a: 'a' }),
      ]);
      expect(b.asked()).toHaveLength(2);
    });

    it('share loads with getOrLoad, in both directions', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const all = heldLoader();
      const single = latch();
      const loadSingle = jest.fn(() => single.opened.then(() => 'single'));
      const x = cache.getOrLoad('x', loadSingle);
      const calling = cache.getOrLoadAll(['x', 'y'], all.loader);
      await all.began();
      const y = cache.getOrLoad('y', loadSingle);
      all.end();
      expect(await y).toBe('y');
      single.open();
      expect(await calling).toEqual(mapOf({ x: 'single', y: 'y' }));
      expect(await x).toBe('single');
      expect(all.asked()).toEqual([['y']]);
      expect(loadSingle).toHaveBeenCalledTimes(1);
    });

    it('load again with one call the keys that another call failed to load', async () => {
      const { one, other } = await twoCaches();
      const keys = Array.from({ length: 50 }, (_, i) => `key-${i}`);
      const failing = latch();
      const fail = jest.fn(() => failing.opened.then(() => Promise.reject(new Error('origin'))));
      const failed = caught(one.cache.getOrLoadAll(keys, fail));
      await waitUntil('the first loads', () => fail.mock.calls.length === 1);
      const second = quickLoader();
      const waiting = other.cache.getOrLoadAll(['free', ...keys], second.loader);
      await second.began();
      failing.open();
      expect(await failed).toEqual(new Error('origin'));
      expect([...(await waiting).keys()]).toEqual(['free', ...keys]);
      const [free, ...later] = second.asked();
      expect(free).toEqual(['free']);
      expect(later.flat().sort()).toEqual([...keys].sort());
      expect(later.length).toBeLessThan(10); // one, unless a node answers much later than another
    });
  });

  describe('A call of getOrLoadAll', () => {
    it('loads the free keys before it waits for keys that another process loads', async () => {
      const { one, other } = await twoCaches();
      const held = heldLoader((key) => `${key} of one`);
      const slow = one.cache.getOrLoadAll(['a', 'b'], held.loader);
      await held.began();
      const rest = quickLoader((key) => `${key} of other`);
      const call = other.cache.getOrLoadAll(['a', 'b', 'c'], rest.loader);
      await waitUntil('c is cached', async () => (await one.cache.get('c')) === 'c of other');
      held.end();
      expect(await call).toEqual(mapOf({ a: 'a of one', b: 'b of one', c: 'c of other' }));
      expect(await slow).toEqual(mapOf({ a: 'a of one', b: 'b of one' }));
      expect(rest.asked()).toEqual([['c']]);
      expect(other.of('cache.lease-wait')).toHaveLength(2);
    });

    it('gives later callers no value that an invalidation has overtaken, for each key', async () => {
      const { one, other } = await twoCaches();
      const options = { tags: (key: string) => [`tag-${key}`] };
      const held = heldLoader((key) => `old ${key}`);
      const call = one.cache.getOrLoadAll(['a', 'b', 'c'], held.loader, options);
      await held.began();
      await other.cache.invalidateTags('tag-a');
      await other.cache.delete('b');
      const read = ({ cache }: { cache: RedisCache }) =>
        cache.getOrLoadAll(['a', 'b', 'c'], quickLoader((key) => `new ${key}`).loader, options);
      const later = read(one);
      held.end();
      expect([...(await call).values()]).toEqual(['old a', 'old b', 'old c']);
      const expected = mapOf({ a: 'new a', b: 'new b', c: 'old c' }); // of c nothing was said
      expect(await later).toEqual(expected);
      expect(await read(other)).toEqual(expected);
    });

    it('loads a key that is being changed together with the others, and stores only the others', async () => {
      const { one, other } = await twoCaches();
      const options = { tags: (key: string) => [`tag-${key}`] };
      let version = 'old';
      const { loader, asked } = quickLoader((key) => `${version} ${key}`);
      const read = ({ cache }: { cache: RedisCache }, ...keys: string[]) =>
        cache.getOrLoadAll(keys, loader, options);
      await one.cache.change({ tags: ['tag-b'], keys: ['c'] }, async () => {
        await read(other, 'a', 'b', 'c');
        await read(one, 'a', 'b', 'c');
        version = 'new';
      });
      expect(asked()).toEqual([
        ['a', 'b', 'c'],
        ['b', 'c'],
      ]);
      const expected = mapOf({ a: 'old a', b: 'new b', c: 'new c' });
      expect([await read(one, 'a', 'b', 'c'), await read(other, 'a', 'b', 'c')]).toEqual([
        expected,
        expected,
      ]);
      expect(asked()).toHaveLength(3);
    });

    it('ends with its signal, which aborts its loader if no other caller waits', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const abort = new AbortController();
      const { signal } = abort;
      const held = heldLoader();
      const call = caught(cache.getOrLoadAll(['a', 'b'], held.loader, { signal }));
      await held.began();
      abort.abort(new Error('no longer wanted'));
      expect(await call).toEqual(new Error('no longer wanted'));
      expect(held.signals[0]?.aborted).toBe(true);
      expect(held.signals[0]?.reason).toEqual(new Error('no longer wanted'));
      expect(getEventListeners(signal, 'abort')).toEqual([]);
      const again = quickLoader();
      const { ms } = await timed(() => cache.getOrLoadAll(['a', 'b'], again.loader));
      expect(ms).toBeLessThan(SOON_MS);
      expect(again.asked()).toEqual([['a', 'b']]);
      held.end();
      expect(await caught(cache.getOrLoadAll(['a'], again.loader, { signal }))).toEqual(
        new Error('no longer wanted'),
      );
    });

    it('rejects after loadTimeout, also if its loader ignores the signals', async () => {
      const { cache } = listenedCache(stage.client, stage.keys(), { loadTimeout: '60ms' });
      const call = cache.getOrLoadAll(['a', 'b', 'c'], async (missing, context) => {
        const waiting = missing.map((key) => sleep(60_000, 1, { signal: context.of(key).signal }));
        return Promise.all(waiting).then(() => new Map());
      });
      expect(await caught(call)).toMatchObject({ name: 'RedisLoadTimeoutException' });
    });

    it('does not end the load of another caller when it ends', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const abort = new AbortController();
      const held = heldLoader();
      const options = { signal: abort.signal };
      const call = caught(cache.getOrLoadAll(['a', 'b', 'c'], held.loader, options));
      await held.began();
      const b = cache.getOrLoad('b', () => 'loaded twice');
      // Replies come in the order of the reads: after these, b has asked whether it may wait, and knows.
      for (let i = 0; i < 4; i++) await cache.get('unknown');
      abort.abort(new Error('no longer wanted'));
      await call;
      expect(held.signals[0]?.aborted).toBe(false);
      held.end();
      expect(await b).toBe('b');
      expect(await cache.get('b')).toBe('b');
      expect(await cache.get('a')).toBeUndefined(); // it had no caller
    });

    it('begins no load without a caller after a part of it has failed', async () => {
      const { one, other } = await twoCaches();
      const held = heldLoader();
      const slow = one.cache.getOrLoadAll(['a', 'b'], held.loader);
      await held.began();
      const fail = jest.fn<() => Promise<never>>(() => Promise.reject(new Error('origin')));
      expect(await caught(other.cache.getOrLoadAll(['a', 'c', 'b'], fail))).toEqual(
        new Error('origin'),
      );
      await one.cache.delete('a'); // or it would be filled, and there were nothing to load
      await one.cache.delete('b');
      held.end();
      await slow;
      await pass(150); // who waited for it would have looked meanwhile
      expect(fail.mock.calls).toEqual([[['c'], expect.anything()]]);
    });

    it('is refused in a loader for which one of its keys waits', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const nested = (of: string, ...ask: string[]) =>
        cache.getOrLoadAll([of, 'y', 'z'], () => cache.getOrLoadAll(ask, quickLoader().loader));
      for (const asked of ['x', 'y', 'z']) {
        const { ms, result } = await timed(() => caught(nested('x', 'free', asked)));
        expect(result).toBeInstanceOf(RedisLoadCycleException);
        expect(ms).toBeLessThan(SOON_MS); // loadTimeout is 10 s
      }
      const through = caught(
        cache.getOrLoadAll(['x', 'y'], () =>
          cache.getOrLoad('between', () => cache.getOrLoad('y', () => 1)).then(() => new Map()),
        ),
      );
      expect((await timed(() => through)).result).toBeInstanceOf(RedisLoadCycleException);
      expect([...(await nested('x', 'free'))]).toEqual([]);
    });

    it('may be nested in loaders, also in those of getOrLoadAll', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const found = await cache.getOrLoadAll(['page-1', 'page-2'], async (pages) => {
        const authors = await cache.getOrLoadAll(['ada', 'bob'], quickLoader().loader);
        return new Map(pages.map((page) => [page, [...authors.values()]]));
      });
      expect([...found.values()]).toEqual([
        ['ada', 'bob'],
        ['ada', 'bob'],
      ]);
    });
  });
});

onOneServer((stage) => {
  it('Keys that another process loads are read together', async () => {
    const keys = stage.keys();
    const names = Array.from({ length: 50 }, (_, i) => `key-${i}`);
    const held = heldLoader();
    const slow = listenedCache(stage.client, keys).cache.getOrLoadAll(names, held.loader);
    await held.began();
    const client = await stage.open();
    const { sent } = recordCommands(client);
    const waiting = listenedCache(client, keys).cache.getOrLoadAll(names, quickLoader().loader);
    const looks = () => sent.filter(({ name }) => name === 'mget');
    const ofOne = () =>
      looks().filter(({ args }) => args.some((arg) => String(arg).endsWith(':key-0')));
    await waitUntil('one of them has been looked at often', () => ofOne().length > 5);
    expect(looks().length).toBeLessThan(2 * ofOne().length + 2); // each would look for itself
    held.end();
    expect(await waiting).toEqual(await slow);
  });
});

// On one server they ask for their leases with one command.
onCluster((stage) => {
  describe('A call of getOrLoadAll for keys in several slots', () => {
    it('does not call its loader before each requested lease is answered', async () => {
      const gate = gated(stage.client);
      const { cache } = listenedCache(gate.client, stage.keys());
      await cache.getOrLoad('known', () => 1); // the script is, too
      const late = gate.hold('evalsha', isAcquireOf('b'));
      const { loader, asked } = quickLoader();
      const call = cache.getOrLoadAll(['a', 'b', 'c'], loader);
      await late.reached;
      await pass(20);
      expect(asked()).toEqual([]);
      late.release();
      await call;
      expect(asked()).toEqual([['a', 'b', 'c']]);
    });

    it('loads without a key whose lease is not answered for half of loadTimeout', async () => {
      const gate = gated(stage.client);
      const { cache } = listenedCache(gate.client, stage.keys(), { loadTimeout: '2s' });
      await cache.getOrLoad('known', () => 1);
      const late = gate.hold('evalsha', isAcquireOf('b'));
      const { loader, asked } = quickLoader();
      const call = cache.getOrLoadAll(['a', 'b', 'c'], loader);
      await waitUntil('the others are loaded', () => asked().length === 1);
      late.release();
      expect([...(await call).keys()]).toEqual(['a', 'b', 'c']);
      expect(asked()).toEqual([['a', 'c'], ['b']]);
    });
  });
});
