import { describe, expect, it, jest } from '@jest/globals';
import type { KeyBuilder } from '../../src/index.js';
import type { RedisCache } from '../../src/cache/redis-cache.js';
import { isAnnounce, isCapture } from './support/cache-commands.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { gated } from './support/gate.js';
import { heldLoader, latch } from './support/latch.js';
import { onEveryTopology } from './support/repository-servers.js';
import { pass } from '../../../../test/support/time.js';

/** How long it is watched that nothing happens. */
const someTime = () => pass(30);

const TAGGED = { tags: ['t'] } as const;

const tagKey = (keys: KeyBuilder) => keys.tagKey('t');
const entryKey = (keys: KeyBuilder) => keys.key('cache', 'x');
const leaseKey = (keys: KeyBuilder) => `{${entryKey(keys)}}:lease`;

/** A change whose work begins, and ends when it is told to. */
function heldChange(cache: RedisCache, what: Parameters<RedisCache['change']>[0]) {
  const begun = latch();
  const finishing = latch();
  const made = cache.change(what, async () => {
    begun.open();
    await finishing.opened;
    return 'done';
  });
  return { made, hasBegun: begun.opened, finish: finishing.open };
}

onEveryTopology((stage) => {
  const twoProcesses = async () => {
    const keys = stage.keys();
    const writer = listenedCache(stage.client, keys);
    const reader = listenedCache(await stage.open(), keys);
    return { keys, writer, reader };
  };

  describe('A change of a tag', () => {
    it('returns the result of its work, and older entries are not served any more', async () => {
      const { keys, writer, reader } = await twoProcesses();
      let source = 'old';
      const load = () => reader.cache.resolve('x', () => source, TAGGED);
      await load();
      expect(
        await writer.cache.change(TAGGED, () => {
          source = 'new';
          return 5;
        }),
      ).toBe(5);
      expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
      expect(await load()).toMatchObject({ value: 'new', status: 'hit' });
      expect(writer.of('cache.invalidation')).toMatchObject([
        { by: 'change', count: 1, failed: 0, pending: 0 },
      ]);
      expect(await stage.client.get(tagKey(keys))).toMatch(/^v/);
    });

    it('lets no value be cached from the begin of its work to its end', async () => {
      const { keys, writer, reader } = await twoProcesses();
      await reader.cache.getOrLoad('x', () => 'old', TAGGED);
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      for (const value of ['old', 'committed', 'newer']) {
        const result = await reader.cache.resolve('x', () => value, TAGGED);
        expect(result).toMatchObject({ value, status: 'miss' });
      }
      expect(await reader.cache.get('x', TAGGED)).toBeUndefined();
      expect(await stage.client.exists(leaseKey(keys))).toBe(0);
      change.finish();
      await change.made;
      expect(await stage.client.exists(tagKey(keys))).toBe(0);
      expect(reader.of('cache.load').map(({ outcome }) => outcome)).toEqual([
        'filled',
        'skipped',
        'skipped',
        'skipped',
      ]);
    });

    it('invalidates values whose load was running when it began', async () => {
      const { writer, reader } = await twoProcesses();
      const old = heldLoader(() => 'old');
      const loading = reader.cache.getOrLoad('x', old.load, TAGGED);
      await old.hasRead;
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      old.finish();
      expect(await loading).toBe('old');
      expect(await reader.cache.get('x', TAGGED)).toBeUndefined();
      change.finish();
      await change.made;
      expect(await reader.cache.getOrLoad('x', () => 'new', TAGGED)).toBe('new');
    });

    it('leaves no old value behind if its writer dies after the commit', async () => {
      const { keys, writer, reader } = await twoProcesses();
      let source = 'old';
      const old = heldLoader(() => source);
      const loading = reader.cache.getOrLoad('x', old.load, TAGGED);
      await old.hasRead;
      const dying = heldChange(writer.cache, TAGGED);
      await dying.hasBegun;
      source = 'new'; // committed, and never heard of again
      old.finish();
      expect(await loading).toBe('old');
      const load = () => reader.cache.resolve('x', () => source, TAGGED);
      expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
      expect(await stage.client.pttl(tagKey(keys))).toBeGreaterThan(0);
      await stage.client.unlink(tagKey(keys)); // as if its time were over
      expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
      expect(await load()).toMatchObject({ value: 'new', status: 'hit' });
      dying.finish();
      await dying.made;
    });

    it('does not end the changes of others, and lets them end', async () => {
      const { keys, writer, reader } = await twoProcesses();
      const first = heldChange(writer.cache, TAGGED);
      const second = heldChange(reader.cache, TAGGED);
      await Promise.all([first.hasBegun, second.hasBegun]);
      first.finish();
      await first.made;
      const load = () => reader.cache.resolve('x', () => 'old', TAGGED);
      for (const status of ['miss', 'miss']) expect(await load()).toMatchObject({ status });
      second.finish();
      await second.made;
      expect(await stage.client.exists(tagKey(keys))).toBe(0);
    });

    it('may be made inside another change, in which values can be read', async () => {
      const { writer, reader } = await twoProcesses();
      let source = 'old';
      const load = () => reader.cache.getOrLoad('x', () => source, TAGGED);
      await load();
      await writer.cache.change(TAGGED, async () => {
        await writer.cache.change(TAGGED, () => {
          source = 'half';
        });
        expect(await load()).toBe('half');
        source = 'new';
        expect(await load()).toBe('new');
      });
      expect(await load()).toBe('new');
    });

    it.each([
      ['invalidateTags', (cache: RedisCache) => cache.invalidateTags('t')],
      ['set', (cache: RedisCache) => cache.set('x', 'set', TAGGED)],
      ['getOrLoad', (cache: RedisCache) => cache.getOrLoad('y', () => 1, TAGGED)],
    ])('is not ended by %s', async (_, disturb) => {
      const { keys, writer, reader } = await twoProcesses();
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      await disturb(reader.cache);
      expect(await stage.client.get(tagKey(keys))).toMatch(/^w:/);
      const load = () => reader.cache.resolve('x', () => 'old', TAGGED);
      for (const status of ['miss', 'miss']) expect(await load()).toMatchObject({ status });
      change.finish();
      await change.made;
    });

    it('ignores writers whose changeTtl has passed', async () => {
      const { keys, writer } = await twoProcesses();
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      const left = await stage.client.pttl(tagKey(keys));
      const list = (await stage.client.get(tagKey(keys))) ?? '';
      await stage.client.set(tagKey(keys), `${list},abcdefghijk-_nopqrstuv@1000`, 'PX', left);
      change.finish();
      await change.made;
      expect(await stage.client.exists(tagKey(keys))).toBe(0);
    });

    it('that throws is ended as well, and rejects with the error of its work', async () => {
      const { keys, writer } = await twoProcesses();
      const failure = new Error('rolled back, or not');
      const failing = writer.cache.change(TAGGED, () => Promise.reject(failure));
      expect(await caught(failing)).toBe(failure);
      const atOnce = writer.cache.change(TAGGED, () => {
        throw failure;
      });
      expect(await caught(atOnce)).toBe(failure);
      expect(await stage.client.exists(tagKey(keys))).toBe(0);
    });

    it('removes a version that was made meanwhile', async () => {
      const { keys, writer, reader } = await twoProcesses();
      let source = 'old';
      const load = () => reader.cache.resolve('x', () => source, TAGGED);
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      await stage.client.unlink(tagKey(keys)); // evicted
      expect(await load()).toMatchObject({ value: 'old', status: 'miss' });
      expect(await load()).toMatchObject({ value: 'old', status: 'hit' });
      source = 'new';
      change.finish();
      await change.made;
      expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
    });

    it('is announced again if Redis has lost it, and values cached meanwhile are invalid', async () => {
      const keys = stage.keys();
      const writer = listenedCache(stage.client, keys, { changeTtl: '1s' });
      const reader = listenedCache(await stage.open(), keys);
      const load = () => reader.cache.resolve('x', () => 'old', TAGGED);
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      await stage.client.unlink(tagKey(keys)); // as if this process had stood still for longer
      await load();
      expect(await load()).toMatchObject({ status: 'hit' });
      await eventuallyMatches(() => stage.client.get(tagKey(keys)), /^w:/);
      expect(await load()).toMatchObject({ status: 'miss' });
      change.finish();
      await change.made;
    });

    it('sends signs of life until its end, and none afterwards', async () => {
      const keys = stage.keys();
      const writer = listenedCache(stage.client, keys, { changeTtl: '1s' });
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      await pass(1_500);
      expect(await stage.client.get(tagKey(keys))).toMatch(/^w:/);
      change.finish();
      await change.made;
      await pass(700);
      expect(await stage.client.exists(tagKey(keys))).toBe(0);
    });

    it('with a thousand tags, also hostile ones, invalidates each', async () => {
      const { writer, reader } = await twoProcesses();
      const hostile = ['w:x@9999999999999', '*', '{a}', 'a:b', '\n', '😀', 'v0', ' '];
      const tags = [...hostile, ...Array.from({ length: 1_000 }, (_, i) => `t${i}`)];
      const looked = [...hostile, 't0', 't500', 't999'];
      const load = async (value: string) => {
        const read = (tag: string) =>
          reader.cache.getOrLoad(['of', tag], () => value, { tags: [tag] });
        return new Set(await Promise.all(looked.map(read)));
      };
      await load('old');
      await writer.cache.change({ tags }, async () => {
        expect(await load('half')).toEqual(new Set(['half']));
      });
      expect(await load('new')).toEqual(new Set(['new']));
    });

    it('without tags and keys just does its work', async () => {
      const { writer } = await twoProcesses();
      expect(await writer.cache.change({}, () => 1)).toBe(1);
      expect(await writer.cache.change({ tags: [], keys: [] }, () => Promise.resolve(2))).toBe(2);
      expect(writer.events).toEqual([]);
    });

    it.each([
      [{ tags: [''] }, 'RedisInvalidKeyException'],
      [{ keys: [['a', '']] as const }, 'RedisInvalidKeyException'],
      [{ tag: ['t'] }, 'RedisConfigurationException'],
    ])('of %j is refused before its work is called', async (what, name) => {
      const { writer } = await twoProcesses();
      const work = jest.fn();
      expect(await caught(writer.cache.change(what as object, work))).toHaveProperty('name', name);
      expect(work).not.toHaveBeenCalled();
    });
  });

  describe('A change of an entry', () => {
    const OF_X = { keys: ['x'] } as const;

    it('removes the entry, and lets no value be cached until it has ended', async () => {
      const { keys, writer, reader } = await twoProcesses();
      let source = 'old';
      const load = () => reader.cache.resolve('x', () => source);
      await load();
      const change = heldChange(writer.cache, OF_X);
      await change.hasBegun;
      expect(await stage.client.exists(entryKey(keys))).toBe(0);
      for (const value of ['old', 'half']) {
        source = value;
        expect(await load()).toMatchObject({ value, status: 'miss' });
      }
      expect(await stage.client.exists(entryKey(keys))).toBe(0);
      source = 'new';
      change.finish();
      await change.made;
      expect(await stage.client.exists(leaseKey(keys))).toBe(0);
      expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
      expect(await load()).toMatchObject({ value: 'new', status: 'hit' });
    });

    it('keeps out values whose load was running when it began', async () => {
      const { keys, writer, reader } = await twoProcesses();
      const old = heldLoader(() => 'old');
      const loading = reader.cache.getOrLoad('x', old.load);
      await old.hasRead;
      const change = heldChange(writer.cache, OF_X);
      await change.hasBegun;
      old.finish();
      expect(await loading).toBe('old');
      expect(await stage.client.exists(entryKey(keys))).toBe(0);
      expect(await stage.client.get(leaseKey(keys))).toMatch(/^w:/);
      change.finish();
      await change.made;
    });

    it('removes an entry that was cached at the last moment', async () => {
      const keys = stage.keys();
      const gate = gated(stage.client);
      const writer = listenedCache(gate.client, keys);
      const reader = listenedCache(await stage.open(), keys);
      const old = heldLoader(() => 'old');
      const loading = reader.cache.getOrLoad('x', old.load);
      await old.hasRead;
      const announcing = gate.hold('evalsha', isAnnounce);
      const change = heldChange(writer.cache, OF_X);
      await announcing.reached;
      await pass(5); // what was sent before has been executed now
      old.finish();
      await loading;
      announcing.release();
      await change.hasBegun;
      expect(await stage.client.exists(entryKey(keys))).toBe(0);
      change.finish();
      await change.made;
    });

    it.each([
      ['delete', (cache: RedisCache) => cache.delete('x')],
      ['invalidatePattern', (cache: RedisCache) => cache.invalidatePattern('*')],
      ['set', (cache: RedisCache) => cache.set('x', 'set')],
      ['set of null', (cache: RedisCache) => cache.set('x', null)],
      ['getOrLoad', (cache: RedisCache) => cache.getOrLoad('x', () => 'old')],
    ])('is not ended by %s, and no value is cached then', async (_, disturb) => {
      const { keys, writer, reader } = await twoProcesses();
      await reader.cache.getOrLoad('y', () => 1);
      const change = heldChange(writer.cache, OF_X);
      await change.hasBegun;
      await disturb(reader.cache);
      expect(await stage.client.get(leaseKey(keys))).toMatch(/^w:/);
      expect(await stage.client.exists(entryKey(keys))).toBe(0);
      change.finish();
      await change.made;
      expect(await stage.client.exists(leaseKey(keys))).toBe(0);
    });

    it('that Redis has lost removes values cached meanwhile', async () => {
      const { keys, writer, reader } = await twoProcesses();
      let source = 'old';
      const load = () => reader.cache.resolve('x', () => source);
      const change = heldChange(writer.cache, OF_X);
      await change.hasBegun;
      await stage.client.unlink(leaseKey(keys)); // evicted
      await load();
      expect(await load()).toMatchObject({ value: 'old', status: 'hit' });
      source = 'new';
      change.finish();
      await change.made;
      expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
    });

    it('leaves the lease to another writer that has not ended', async () => {
      const { keys, writer, reader } = await twoProcesses();
      const first = heldChange(writer.cache, OF_X);
      const second = heldChange(reader.cache, OF_X);
      await Promise.all([first.hasBegun, second.hasBegun]);
      first.finish();
      await first.made;
      await reader.cache.getOrLoad('x', () => 'old');
      expect(await stage.client.exists(entryKey(keys))).toBe(0);
      second.finish();
      await second.made;
    });
  });

  describe('A reader of a value that is being changed', () => {
    it('does not wait for a load of another process, and lets no other reader wait', async () => {
      const { keys, writer, reader } = await twoProcesses();
      const third = listenedCache(await stage.open(), keys);
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      const held = heldLoader(() => 'held');
      const loading = reader.cache.getOrLoad('x', held.load, TAGGED);
      await held.hasRead;
      expect(await third.cache.resolve('x', () => 'mine', TAGGED)).toMatchObject({ value: 'mine' });
      expect(third.of('cache.lease-wait')).toEqual([]);
      held.finish();
      expect(await loading).toBe('held');
      change.finish();
      await change.made;
    });

    it.each([
      ['tag', TAGGED],
      ['key', { keys: ['x'] }],
    ])('stops waiting for a load when the %s begins to be changed', async (_, what) => {
      const { writer, reader } = await twoProcesses();
      const held = heldLoader(() => 'old');
      const loading = writer.cache.getOrLoad('x', held.load, TAGGED);
      await held.hasRead;
      const waiting = reader.cache.resolve('x', () => 'mine', TAGGED);
      await someTime();
      const change = heldChange(writer.cache, what);
      await change.hasBegun;
      expect(await waiting).toMatchObject({ value: 'mine', status: 'miss' });
      held.finish();
      await loading;
      change.finish();
      await change.made;
    });

    it('does not take over the lease of writers, also if that is silent for long', async () => {
      const { keys, writer, reader } = await twoProcesses();
      const change = heldChange(writer.cache, { keys: ['x'] });
      await change.hasBegun;
      // Long enough for a busy machine: a load that goes on without Redis asks for no lease.
      const load = () => reader.cache.resolve('x', () => 'old', { timeout: '500ms' });
      for (const until = performance.now() + 800; performance.now() < until;) await load();
      expect(await stage.client.get(leaseKey(keys))).toMatch(/^w:/);
      expect(await stage.client.exists(entryKey(keys))).toBe(0);
      change.finish();
      await change.made;
    });

    it('gives back a lease that it acquired after the begin of the change', async () => {
      const { keys, writer, reader } = await twoProcesses();
      const gate = gated(await stage.open());
      const late = listenedCache(gate.client, keys, { loadTimeout: '10m' });
      const capturing = gate.hold('evalsha', isCapture);
      const loading = late.cache.resolve('x', () => 'old', TAGGED);
      await capturing.reached;
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      capturing.release();
      expect(await loading).toMatchObject({ value: 'old', status: 'miss' });
      await eventuallyMatches(async () => String(await stage.client.exists(leaseKey(keys))), /0/);
      expect(await reader.cache.get('x', TAGGED)).toBeUndefined();
      change.finish();
      await change.made;
    });

    it('may name it while loading: the value is not cached, and not shared later', async () => {
      const { writer, reader } = await twoProcesses();
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      let source = 'old';
      const reading = latch();
      const finishing = latch();
      const first = reader.cache.getOrLoad('x', async ({ dependOn }) => {
        await dependOn(TAGGED);
        const read = source;
        reading.open();
        await finishing.opened;
        return read;
      });
      await reading.opened;
      source = 'new';
      change.finish();
      await change.made; // and the tag is not there at all now
      const second = reader.cache.getOrLoad('x', () => source);
      await someTime();
      finishing.open();
      expect(await first).toBe('old');
      expect(await second).toBe('new');
      expect(await reader.cache.get('x')).toBe('new');
    });

    it('lets no caller wait after it has named it', async () => {
      const { keys, writer, reader } = await twoProcesses();
      const third = listenedCache(await stage.open(), keys);
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      const held = heldLoader(() => 'held');
      const loading = reader.cache.getOrLoad('x', async ({ dependOn }) => {
        await dependOn(TAGGED);
        return held.load();
      });
      await held.hasRead;
      expect(await third.cache.getOrLoad('x', () => 'mine')).toBe('mine');
      held.finish();
      expect(await loading).toBe('held');
      change.finish();
      await change.made;
    });

    it('may name it after loading: the value is not cached', async () => {
      const { writer, reader } = await twoProcesses();
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      const loader = jest.fn(({ addTags }: { addTags(tag: string): void }) => {
        addTags('t');
        return 'old';
      });
      expect(await reader.cache.getOrLoad('x', loader)).toBe('old');
      expect(loader).toHaveBeenCalledTimes(1);
      change.finish();
      await change.made;
      expect(await reader.cache.get('x')).toBeUndefined();
    });

    it('shares a load with callers from before its begin, and with no later callers', async () => {
      const { writer, reader } = await twoProcesses();
      const change = heldChange(writer.cache, TAGGED);
      await change.hasBegun;
      const loads = [heldLoader(() => 'first'), heldLoader(() => 'second')] as const;
      let n = 0;
      const loader = jest.fn(() => loads[n++ as 0 | 1].load());
      const read = () => reader.cache.getOrLoad('x', loader, TAGGED);
      const early = [read(), read(), read()];
      await loads[0].hasRead;
      const late = [read(), read(), read()];
      await someTime();
      late.push(read());
      expect(loader).toHaveBeenCalledTimes(1); // one at a time
      loads[0].finish();
      expect(await Promise.all(early)).toEqual(['first', 'first', 'first']);
      await loads[1].hasRead;
      loads[1].finish();
      expect(await Promise.all(late)).toEqual(Array(4).fill('second'));
      expect(loader).toHaveBeenCalledTimes(2);
      change.finish();
      await change.made;
    });
  });
});

async function eventuallyMatches(read: () => Promise<string | null>, pattern: RegExp) {
  const { waitUntil } = await import('../../src/testing/wait-until.js');
  await waitUntil(`it matches ${pattern}`, async () => pattern.test((await read()) ?? ''));
}
