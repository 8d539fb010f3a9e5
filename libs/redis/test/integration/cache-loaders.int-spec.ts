import { getEventListeners } from 'node:events';
import { describe, expect, it, jest } from '@jest/globals';
import { RedisConnectionException } from '../../src/index.js';
import type { LoadContext } from '../../src/cache/cache-options.js';
import type { RedisCache } from '../../src/cache/redis-cache.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { listenedCache } from './support/cache-stage.js';
import { gated } from './support/gate.js';
import { latch } from './support/latch.js';
import { recordCommands } from './support/record-commands.js';
import { onEveryTopology, onOneServer } from './support/repository-servers.js';
import { pass, SOON_MS, timed } from '../../../../test/support/time.js';

/** A loader that ends when the test says so. */
function heldLoader() {
  const contexts: LoadContext[] = [];
  const ends: ((value: string) => void)[] = [];
  const loader = jest.fn((context: LoadContext) => {
    contexts.push(context);
    return new Promise<string>((resolve) => ends.push(resolve));
  });
  return {
    loader,
    contexts,
    began: () => waitUntil('the loader is called', () => ends.length > 0),
    end: (value: string) => ends.at(-1)?.(value),
  };
}

onEveryTopology((stage) => {
  describe('A loader that fails', () => {
    it.each([
      ['asynchronously', () => Promise.reject(new Error('origin'))],
      [
        'synchronously',
        (): never => {
          throw new Error('origin');
        },
      ],
      [
        'as if it were Redis',
        (): never => {
          throw new RedisConnectionException({
            host: 'h',
            port: 1,
            originalError: new Error('origin'),
          });
        },
      ],
    ])("%s is called once, and its error is the caller's", async (_, fail) => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      const loader = jest.fn(fail);
      const errors = await Promise.all([1, 2, 3].map(() => caught(cache.getOrLoad('x', loader))));
      expect(loader).toHaveBeenCalledTimes(1);
      expect(new Set(errors).size).toBe(1);
      expect(errors[0]?.message).toMatch(/origin|h:1/);
      expect(of('cache.failure')).toEqual([]);
      const { ms, result } = await timed(() => cache.resolve('x', () => 'value'));
      expect(result).toMatchObject({ value: 'value', status: 'miss' });
      expect(ms).toBeLessThan(SOON_MS);
    });

    it('is replaced by the last known value, but never by an invalidated one', async () => {
      const { cache } = listenedCache(stage.client, stage.keys(), {
        ttl: '1ms',
        failSafe: '1m',
        jitter: 0,
      });
      const fail = () => Promise.reject(new Error('origin'));
      const load = () => cache.resolve('x', fail, { tags: ['t'] });
      await cache.getOrLoad('x', () => 'value', { tags: ['t'] });
      await pass(5);
      expect(await load()).toMatchObject({ value: 'value', status: 'stale' });
      expect(await cache.get('x', { tags: ['t'] })).toBeUndefined();
      await cache.invalidateTags('t');
      expect(await caught(load())).toHaveProperty('message', 'origin');
      await cache.getOrLoad('x', () => 'value', { tags: ['t'] });
      await pass(5);
      await cache.delete('x');
      expect(await caught(load())).toHaveProperty('message', 'origin');
    });

    it('is replaced for the time of failSafe, whichever call has stored the value', async () => {
      const { cache } = listenedCache(stage.client, stage.keys(), { ttl: '1ms', jitter: 0 });
      const fail = () => Promise.reject(new Error('origin'));
      const kept = { failSafe: '1m', tags: ['t'] } as const;
      await cache.getOrLoad('x', () => 'value', kept);
      await cache.getOrLoad('y', () => 'value', { failSafe: '40ms' });
      await pass(60);
      expect(await caught(cache.getOrLoad('x', fail, { failSafe: '40ms', tags: ['t'] }))).toEqual(
        new Error('origin'),
      );
      expect(await caught(cache.getOrLoad('y', fail, { failSafe: '1m' }))).toEqual(
        new Error('origin'),
      );
      expect(await caught(cache.getOrLoad('x', fail, { tags: ['t'] }))).toEqual(
        new Error('origin'),
      );
      expect(await cache.getOrLoad('x', fail, kept)).toBe('value');
      await cache.invalidateTags('t');
      expect(await caught(cache.getOrLoad('x', fail, kept))).toEqual(new Error('origin'));
    });

    it('is not replaced if the last value is invalidated during the load', async () => {
      const { cache } = listenedCache(stage.client, stage.keys(), { ttl: '1ms', failSafe: '1m' });
      await cache.getOrLoad('x', () => 'old', { tags: ['t'] });
      await pass(5);
      const load = cache.getOrLoad(
        'x',
        async () => {
          await cache.invalidateTags('t');
          throw new Error('origin');
        },
        { tags: ['t'] },
      );
      expect(await caught(load)).toHaveProperty('message', 'origin');
    });
  });

  describe('A loader that takes too long', () => {
    it('is aborted, and never overwrites a later value', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys(), { loadTimeout: '100ms' });
      const slow = heldLoader();
      const { ms, result } = await timed(() => caught(cache.getOrLoad('x', slow.loader)));
      expect(result).toMatchObject({
        name: 'RedisLoadTimeoutException',
        code: 'REDIS_LOAD_TIMEOUT',
        timeoutMs: 100,
        waitedFor: 'loader',
      });
      expect(result.message).toMatch(/^The loader of ".*x" took longer than loadTimeout, 100 ms\./);
      expect(ms).toBeLessThan(SOON_MS);
      expect(slow.contexts[0]?.signal.aborted).toBe(true);
      expect(slow.contexts[0]?.signal.reason).toBe(result);
      const next = await timed(() => cache.resolve('x', () => 'new'));
      expect(next.result).toMatchObject({ value: 'new', status: 'miss' });
      expect(next.ms).toBeLessThan(SOON_MS);
      slow.end('late');
      await pass(20); // it is not stored meanwhile
      expect(await cache.get('x')).toBe('new');
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual(['failed', 'filled']);
    });

    it('does not count as a failure of Redis, which is still used', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys(), {
        loadTimeout: '50ms',
        breakerThreshold: 1,
      });
      const never = () => new Promise(() => undefined);
      const errors = await Promise.all(
        ['x', 'y'].map((key) => caught(cache.getOrLoad(key, never))),
      );
      expect(errors.map(({ name }) => name)).toEqual(Array(2).fill('RedisLoadTimeoutException'));
      expect(new Set(of('cache.load').map(({ error }) => error))).toEqual(new Set(errors));
      expect([...of('cache.failure'), ...of('cache.breaker')]).toEqual([]);
      expect(cache.isBypassed).toBe(false);
    });
  });

  describe('A loader that asks for its own value', () => {
    const CYCLE = { name: 'RedisLoadCycleException', code: 'REDIS_LOAD_CYCLE' };

    it('gets an exception at once, as do all callers that wait for it', async () => {
      const keys = stage.keys();
      const { cache } = listenedCache(stage.client, keys);
      const load = () => cache.getOrLoad('x', () => cache.getOrLoad('x', () => 'value'));
      const { ms, result } = await timed(() => Promise.all([caught(load()), caught(load())]));
      const key = keys.key('cache', 'x');
      expect(result[0]).toMatchObject({ ...CYCLE, key, path: [key, key] });
      expect(result[0].message).toContain(`The loader of "${key}" asks for its own value`);
      expect(result[1]).toBe(result[0]);
      expect(ms).toBeLessThan(SOON_MS);
      expect(await cache.resolve('x', () => 'value')).toMatchObject({ status: 'miss' });
    });

    it('through other loaders gets an exception with the path', async () => {
      const keys = stage.keys();
      const { cache } = listenedCache(stage.client, keys);
      const ask = (key: string, inner: () => Promise<unknown>) => cache.getOrLoad(key, inner);
      const error = await caught(
        ask('a', () =>
          Promise.all([
            ask('other', () => Promise.resolve(1)),
            ask('b', () => ask('c', () => ask('a', () => Promise.resolve(1)))),
          ]),
        ),
      );
      const [a, b, c] = ['a', 'b', 'c'].map((key) => keys.key('cache', key));
      expect(error).toMatchObject({ ...CYCLE, key: a, path: [a, b, c, a] });
    });

    it('may catch the exception and load without the cache', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const load = () => cache.getOrLoad('x', () => cache.getOrLoad('x', () => 1).catch(() => 2));
      expect(await load()).toBe(2);
      expect(await cache.get('x')).toBe(2);
    });

    it('is detected if two separate loads wait for each other', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const [a, b] = [latch(), latch()];
      const ask = (
        key: string,
        own: ReturnType<typeof latch>,
        other: ReturnType<typeof latch>,
        inner: string,
      ) =>
        cache.getOrLoad(key, async () => {
          own.open();
          await other.opened;
          return cache.getOrLoad(inner, () => 'value');
        });
      const asked = [ask('a', a, b, 'b'), ask('b', b, a, 'a')];
      const { ms, result } = await timed(() => Promise.allSettled(asked));
      const refused = result.filter(({ status }) => status === 'rejected');
      expect(refused).toContainEqual({
        status: 'rejected',
        reason: expect.objectContaining(CYCLE),
      });
      expect(ms).toBeLessThan(SOON_MS);
    });

    it('through another cache object gets an exception if that has the same name, and not otherwise', async () => {
      const keys = stage.keys();
      const { cache } = listenedCache(stage.client, keys);
      const { cache: twin } = listenedCache(stage.client, keys);
      const { cache: other } = listenedCache(stage.client, keys, { name: 'other' });
      const through = (inner: RedisCache) =>
        cache.getOrLoad('x', () => inner.getOrLoad('x', () => 'value'));
      expect(await caught(through(twin))).toMatchObject(CYCLE);
      expect(await through(other)).toBe('value');
    });

    it('after its end, from a promise that it left running, gets the value', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const ended = latch();
      let later: Promise<unknown> | undefined;
      const loader = () => {
        later = ended.opened.then(() => cache.getOrLoad('x', () => 'again'));
        return 'value';
      };
      await cache.getOrLoad('x', loader);
      ended.open();
      expect(await later).toBe('value');
    });

    it('whose caller no longer waits gets the value', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const [given, ended] = [latch(), latch()];
      let later: Promise<unknown> | undefined;
      const b = () => {
        later = given.opened.then(() => cache.getOrLoad('a', () => 'never'));
        return 'b';
      };
      const a = cache.getOrLoad('a', async () => {
        await cache.getOrLoad('b', b);
        given.open();
        await ended.opened; // a still loads, and waits for nothing of b
        return 'a';
      });
      await given.opened;
      // Replies come in the order of the reads: after these it has asked, and waits.
      for (let i = 0; i < 4; i++) await cache.get('unknown');
      ended.open();
      expect([await a, await later]).toEqual(['a', 'a']);
    });

    it('during a refresh of a stale value gets the stale value', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const stale = { ttl: '1ms', staleFor: '1m', jitter: 0 } as const;
      await cache.getOrLoad('b', () => 'old', stale);
      await pass(5);
      const a = () => cache.getOrLoad('a', () => b());
      const b = () => cache.getOrLoad('b', () => refreshed(), stale);
      let behind: Promise<unknown> | undefined;
      const refreshed = () => (behind = cache.getOrLoad('a', () => 'never'));
      expect(await a()).toBe('old'); // does not wait for the load of b, which waits for a
      await waitUntil('b is refreshed', () => behind !== undefined);
      expect(await behind).toBe('old');
    });
  });

  describe('A caller that leaves', () => {
    it('does not end the load for other callers', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader, contexts, began, end } = heldLoader();
      const leaving = new AbortController();
      const first = caught(cache.getOrLoad('x', loader, { signal: leaving.signal }));
      const others = [1, 2].map(() => cache.getOrLoad('x', loader));
      await began();
      leaving.abort(new Error('left'));
      expect(await first).toHaveProperty('message', 'left');
      expect(contexts[0]?.signal.aborted).toBe(false);
      end('value');
      expect(await Promise.all(others)).toEqual(['value', 'value']);
    });

    it('aborts the loader and gives back the lease if it is the last', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const { loader, contexts, began } = heldLoader();
      const leaving = [new AbortController(), new AbortController()];
      const calls = leaving.map(({ signal }) => caught(cache.getOrLoad('x', loader, { signal })));
      await began();
      leaving[0]?.abort(new Error('first'));
      expect(contexts[0]?.signal.aborted).toBe(false);
      leaving[1]?.abort(new Error('second'));
      expect((await Promise.all(calls)).map(({ message }) => message)).toEqual(['first', 'second']);
      expect(contexts[0]?.signal.aborted).toBe(true);
      const { ms, result } = await timed(() => cache.resolve('x', () => 'value'));
      expect(result).toMatchObject({ value: 'value', status: 'miss' });
      expect(ms).toBeLessThan(SOON_MS);
    });

    it('gives back the lease also if the loader makes it leave, and never ends', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const leaving = new AbortController();
      const loader = () => {
        leaving.abort(new Error('left'));
        return new Promise<string>(() => undefined);
      };
      const call = caught(cache.getOrLoad('x', loader, { signal: leaving.signal }));
      expect(await call).toHaveProperty('message', 'left');
      const { ms, result } = await timed(() => cache.resolve('x', () => 'value'));
      expect(result).toMatchObject({ value: 'value', status: 'miss' });
      expect(ms).toBeLessThan(SOON_MS);
    });

    it('sends no command if its signal was aborted before', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const loader = jest.fn(() => 1);
      const signal = AbortSignal.abort(new Error('gone'));
      expect(await caught(cache.getOrLoad('x', loader, { signal }))).toHaveProperty(
        'message',
        'gone',
      );
      expect(await caught(cache.get('x', { signal }))).toHaveProperty('message', 'gone');
      expect(loader).not.toHaveBeenCalled();
    });
  });
});

onOneServer((stage) => {
  describe('A caller that leaves during a command', () => {
    it('ends at once, and nothing is loaded for it', async () => {
      const { client, hold } = gated(stage.client);
      const { cache } = listenedCache(client, stage.keys(), { timeout: '10s' });
      const loader = jest.fn(() => 1);
      for (const ask of [
        (signal: AbortSignal) => cache.getOrLoad('x', loader, { signal }),
        (signal: AbortSignal) => cache.get('x', { signal }),
      ]) {
        const leaving = new AbortController();
        const held = hold('mget');
        const call = caught(ask(leaving.signal));
        await held.reached;
        leaving.abort(new Error('left'));
        expect(await call).toHaveProperty('message', 'left');
        held.release();
        await pass(10); // nothing is loaded meanwhile
      }
      expect(loader).not.toHaveBeenCalled();
    });

    it('may end forty calls with one signal, which then has no listener left', async () => {
      const { client, hold } = gated(stage.client);
      const { cache } = listenedCache(client, stage.keys());
      const { signal } = new AbortController();
      const held = hold('mget');
      const calls = Array.from({ length: 20 }, (_, i) => [
        cache.getOrLoad(['x', i], () => cache.getOrLoad(['y', i], () => i, { signal }), { signal }),
        cache.get(['z', i], { signal }),
      ]).flat();
      await held.reached;
      expect(getEventListeners(signal, 'abort')).toHaveLength(1); // at eleven Node warns of a leak
      held.release();
      expect(await Promise.all(calls)).toContain(19);
      expect(getEventListeners(signal, 'abort')).toEqual([]);
    });

    it('during a load of another process does not end other callers', async () => {
      const keys = stage.keys();
      const client = await stage.open();
      const [one, other] = [listenedCache(stage.client, keys), listenedCache(client, keys)];
      const { loader, began } = heldLoader();
      const holder = new AbortController();
      const held = caught(one.cache.getOrLoad('x', loader, { signal: holder.signal }));
      await began();
      const leaving = new AbortController();
      const asked = recordCommands(client);
      const looks = () => asked.names().filter((name) => name === 'mget').length;
      const first = caught(other.cache.getOrLoad('x', () => 'first', { signal: leaving.signal }));
      await waitUntil('it waits', () => looks() > 1);
      leaving.abort(new Error('left'));
      expect(await first).toHaveProperty('message', 'left');
      asked.sent.length = 0;
      const second = other.cache.getOrLoad('x', () => 'second');
      await waitUntil('it waits', () => looks() > 1);
      holder.abort();
      await held;
      expect(await second).toBe('second');
    });
  });
});
