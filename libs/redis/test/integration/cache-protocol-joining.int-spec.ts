import type { Command } from 'ioredis';
import { describe, expect, it, jest } from '@jest/globals';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { isAcquire, isWithdraw, nth } from './support/cache-commands.js';
import { gated } from './support/gate.js';
import { heldLoader, latch } from './support/latch.js';
import { listenedCache } from './support/cache-stage.js';
import { onOneServer } from './support/repository-servers.js';
import { pass } from '../../../../test/support/time.js';

/** How long it is watched that nothing happens. */
const SOME_TIME_MS = 30;
const someTime = () => pass(SOME_TIME_MS);

onOneServer((stage) => {
  describe('A caller that comes during a load of this process', () => {
    it('shares the load if nothing has been invalidated', async () => {
      const gate = gated(stage.client);
      const { cache } = listenedCache(gate.client, stage.keys());
      const held = heldLoader(() => 'value');
      const never = jest.fn(() => 'other');
      const first = cache.resolve('x', held.load, { tags: ['t'] });
      await held.hasRead;
      const look = gate.hold('mget');
      const second = cache.resolve('x', never, { tags: ['t'] });
      await look.reached;
      look.release();
      await nextTurn(); // it has been sent
      await stage.client.ping(); // it has been answered
      await nextTurn();
      held.finish();
      expect(await first).toMatchObject({ value: 'value', status: 'miss' });
      expect(await second).toMatchObject({ value: 'value', status: 'miss' }); // did not read again
      expect(never).not.toHaveBeenCalled();
    });

    it.each([
      ['its tag was invalidated', (cache: Cache) => cache.invalidateTags('t')],
      ['it was deleted', (cache: Cache) => cache.delete('x')],
      ['it was deleted by pattern', (cache: Cache) => cache.invalidatePattern('*')],
    ])('starts over if %s after the load began', async (_, invalidate) => {
      const keys = stage.keys();
      const { cache } = listenedCache(stage.client, keys);
      const other = listenedCache(await stage.open(), keys);
      const old = heldLoader(() => 'old');
      const first = cache.getOrLoad('x', old.load, { tags: ['t'] });
      await old.hasRead;
      await invalidate(other.cache);
      const second = cache.getOrLoad('x', () => 'new', { tags: ['t'] });
      await someTime();
      old.finish();
      expect(await first).toBe('old');
      expect(await second).toBe('new');
    });

    it('starts over if it names a tag that the load does not know', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const old = heldLoader(() => 'old');
      const first = cache.getOrLoad('x', old.load, { tags: ['a'] });
      await old.hasRead;
      await cache.invalidateTags('b');
      const second = cache.getOrLoad('x', () => 'new', { tags: ['a', 'b'] });
      await someTime();
      old.finish();
      expect(await first).toBe('old');
      expect(await second).toBe('new');
    });

    it('does not get a value of which a dependency was named too late', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      let source = 'old';
      let calls = 0;
      const second = heldLoader(() => source);
      const loader = async (context: { addTags(tag: string): void }) => {
        const read = ++calls === 2 ? await second.load() : source;
        context.addTags(`tag-${calls}`); // another one each time, so it is never known in time
        return read;
      };
      const first = cache.getOrLoad('x', loader);
      await second.hasRead;
      source = 'new';
      await cache.invalidateTags('tag-2');
      const late = cache.getOrLoad('x', () => source);
      await someTime();
      second.finish();
      expect(await first).toBe('old');
      expect(await late).toBe('new');
    });

    it('does not get the abort of earlier callers', async () => {
      const gate = gated(stage.client);
      const { cache } = listenedCache(gate.client, stage.keys());
      const held = heldLoader(() => 'first');
      const abort = new AbortController();
      const options = { failSafe: '1m' } as const; // it looks for what it had before it gives up
      const first = cache.getOrLoad('x', held.load, { ...options, signal: abort.signal });
      await held.hasRead;
      const reading = gate.hold('mget');
      const second = cache.getOrLoad('x', () => 'second', options);
      await reading.reached;
      const giveUp = gate.hold('mget');
      abort.abort();
      await expect(first).rejects.toThrow('aborted');
      await giveUp.reached;
      reading.release();
      await someTime();
      giveUp.release();
      expect(await second).toBe('second');
    });
  });

  describe('A caller that waits for another process', () => {
    it('does not get a damaged entry', async () => {
      const keys = stage.keys();
      const { cache } = listenedCache(stage.client, keys);
      const gate = gated(await stage.open());
      const other = listenedCache(gate.client, keys);
      await cache.set('x', 'damaged');
      await stage.client.append(keys.key('cache', 'x'), 'x');
      const held = heldLoader(() => 'value');
      const loading = cache.getOrLoad('x', held.load);
      await held.hasRead;
      const acquiring = gate.hold('evalsha', isAcquire);
      const waiting = other.cache.getOrLoad('x', () => 'never');
      await acquiring.reached;
      const looks = [1, 2].map((n) => gate.hold('mget', nth(n)));
      acquiring.release();
      for (const look of looks) {
        await look.reached; // after the first one it has seen the damaged entry
        look.release();
      }
      held.finish();
      expect(await loading).toBe('value');
      expect(await waiting).toBe('value');
    });

    it('gets the error of the loader, and not a damaged last value', async () => {
      const keys = stage.keys();
      const { cache } = listenedCache(stage.client, keys);
      await cache.set('x', 'damaged', { failSafe: '1m' });
      await stage.client.append(keys.key('cache', 'x'), 'x');
      const failure = () => Promise.reject(new Error('no luck'));
      await expect(cache.getOrLoad('x', failure, { failSafe: '1m' })).rejects.toThrow('no luck');
    });
  });

  describe('A read that begins before a deletion leaves the outbox', () => {
    it('does not accept the version of the tag that it has read', async () => {
      const keys = stage.keys();
      const gate = gated(stage.client);
      const isSent = latch();
      let isAway = true;
      const sendCommand = (command: Command) => {
        const sending = () => gate.client.sendCommand(command) as Promise<unknown>;
        if (command.name !== 'evalsha' || !isWithdraw(command.args)) return sending();
        if (isAway) return Promise.reject(new Error('Connection is closed.'));
        return sending().finally(isSent.open);
      };
      const client = new Proxy(gate.client, {
        get: (target, name): unknown =>
          name === 'sendCommand' ? sendCommand : Reflect.get(target, name),
      });
      const { cache } = listenedCache(client, keys, { outbox: true });
      const named = { tags: ['named'] };
      await cache.getOrLoad(
        'x',
        async (context) => {
          await context.dependOn({ tags: ['found'] });
          return 'old';
        },
        named,
      );
      await cache.invalidateTags('named'); // into the outbox
      const found = keys.tagKey('found');
      const second = gate.hold('mget', ([asked]) => (asked as string[])[0] === found);
      const reading = cache.get('x', named);
      await second.reached; // the version of the other tag has been read
      isAway = false;
      await isSent.opened;
      await someTime(); // until the outbox knows
      second.release();
      expect(await reading).toBeUndefined();
    });
  });
});

type Cache = ReturnType<typeof listenedCache>['cache'];
