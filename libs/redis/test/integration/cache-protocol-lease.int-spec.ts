import { describe, expect, it, jest } from '@jest/globals';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { isAcquire, isFill, isRelease, isWithdraw, nth } from './support/cache-commands.js';
import { listenedCache } from './support/cache-stage.js';
import { failing } from './support/failing-client.js';
import { gated } from './support/gate.js';
import { heldLoader } from './support/latch.js';
import {
  onCluster,
  onEveryTopology,
  onOneServer,
  type Stage,
} from './support/repository-servers.js';
import { pass, SOON_MS, timed } from '../../../../test/support/time.js';

/** Two caches like those of two processes, the first with gates before its commands. */
async function twoProcesses(stage: Stage) {
  const keys = stage.keys();
  const gate = gated(stage.client);
  const first = listenedCache(gate.client, keys);
  const second = listenedCache(await stage.open(), keys);
  const lease = `{${keys.key('cache', 'x')}}:lease`;
  return { keys, gate, first, second, lease };
}

onEveryTopology((stage) => {
  describe('The lease of an entry', () => {
    it('is removed before the entry, so an entry filled just before is removed as well', async () => {
      const { gate, first, second, lease } = await twoProcesses(stage);
      const old = heldLoader(() => 'old');
      const loading = second.cache.getOrLoad('x', old.load);
      await old.hasRead;
      const before = gate.hold('evalsha', isWithdraw);
      const deleting = first.cache.delete('x');
      await before.reached;
      await gate.client.exists(lease); // what was sent before has been executed now
      old.finish();
      await loading;
      before.release();
      await deleting;
      expect(await first.cache.get('x')).toBeUndefined();
    });

    it('is lost with a deletion by pattern', async () => {
      const { first, second } = await twoProcesses(stage);
      const old = heldLoader(() => 'old');
      const loading = second.cache.getOrLoad('x', old.load);
      await old.hasRead;
      await first.cache.invalidatePattern('*');
      old.finish();
      await loading;
      expect(await first.cache.get('x')).toBeUndefined();
    });

    it('prevents a late load from replacing a later one', async () => {
      const { first, second, lease } = await twoProcesses(stage);
      const old = heldLoader(() => 'old');
      const loading = first.cache.getOrLoad('x', old.load);
      await old.hasRead;
      await stage.client.unlink(lease); // it has expired, say
      expect(await second.cache.getOrLoad('x', () => 'new')).toBe('new');
      old.finish();
      expect(await loading).toBe('old');
      expect(await second.cache.get('x')).toBe('new');
    });

    it('is not given back by a load that has lost it', async () => {
      const { first, second, lease } = await twoProcesses(stage);
      const old = heldLoader(() => {
        throw new Error('no luck');
      });
      const slow = heldLoader(() => 'old');
      const loading = first.cache.getOrLoad('x', async () => {
        await slow.load();
        return old.load();
      });
      await slow.hasRead;
      await stage.client.unlink(lease);
      const next = heldLoader(() => 'new');
      const loadingNext = second.cache.getOrLoad('x', next.load);
      await next.hasRead;
      slow.finish();
      await expect(loading).rejects.toThrow('no luck');
      expect(await stage.client.exists(lease)).toBe(1);
      next.finish();
      await loadingNext;
      expect(second.of('cache.load')).toMatchObject([{ outcome: 'filled' }]);
    });

    it('lets other processes wait, which do not load', async () => {
      const { gate, first, second } = await twoProcesses(stage);
      const held = heldLoader(() => 'value');
      const loading = second.cache.getOrLoad('x', held.load);
      await held.hasRead;
      const acquiring = gate.hold('evalsha', isAcquire);
      const loader = jest.fn(() => 'other');
      const waiting = first.cache.getOrLoad('x', loader);
      await acquiring.reached;
      const looking = gate.hold('mget');
      acquiring.release();
      await Promise.race([looking.reached, waiting]);
      looking.release();
      held.finish();
      expect(await loading).toBe('value');
      expect(await waiting).toBe('value');
      expect(loader).not.toHaveBeenCalled();
    });

    it('is not acquired if the entry was filled after it had been judged', async () => {
      const { gate, first, second } = await twoProcesses(stage);
      const acquiring = gate.hold('evalsha', isAcquire);
      const loader = jest.fn(() => 'mine');
      const late = first.cache.getOrLoad('x', loader);
      await acquiring.reached;
      await second.cache.getOrLoad('x', () => 'theirs');
      acquiring.release();
      expect(await late).toBe('theirs');
      expect(loader).not.toHaveBeenCalled();
    });

    it('expires after its process has died, and another one loads', async () => {
      const { gate, first, second, lease } = await twoProcesses(stage);
      const times = { loadTimeout: '200ms', timeout: '1s' } as const;
      gate.hold('evalsha', isRelease);
      const hang = () => new Promise(() => undefined);
      const dying = caught(first.cache.getOrLoad('x', hang, times));
      await waitUntil('it has the lease', async () => (await stage.client.exists(lease)) === 1);
      expect(await stage.client.pttl(lease)).toBeGreaterThan(0);
      const { ms, result } = await timed(() => second.cache.getOrLoad('x', () => 'value'));
      expect(result).toBe('value');
      expect(ms).toBeLessThan(SOON_MS);
      expect(await dying).toHaveProperty('name', 'RedisLoadTimeoutException');
    });

    it('is taken over by one caller that waited for a process that died', async () => {
      const { keys, gate, first, second, lease } = await twoProcesses(stage);
      const third = listenedCache(await stage.open(), keys);
      const times = { loadTimeout: '600ms', timeout: '600ms' } as const;
      gate.hold('evalsha', isRelease);
      const dying = caught(first.cache.getOrLoad('x', () => new Promise(() => undefined), times));
      await waitUntil('it has the lease', async () => (await stage.client.exists(lease)) === 1);
      const loader = jest.fn(() => pass(50).then(() => 'value'));
      const waiting = [second, third].map(({ cache }) => cache.getOrLoad('x', loader, times));
      expect(await Promise.all(waiting)).toEqual(['value', 'value']);
      expect(loader).toHaveBeenCalledTimes(1);
      await dying;
    });

    it('is not taken over after its holder has sent a late sign of life', async () => {
      const { gate, first, lease } = await twoProcesses(stage);
      await stage.client.set(lease, 'another.1', 'PX', 60_000);
      const takingOver = gate.hold('evalsha', nth(2, isAcquire));
      const loader = jest.fn(() => 'value');
      const waiting = first.cache.getOrLoad('x', loader, { timeout: '1s' });
      await takingOver.reached;
      await stage.client.set(lease, 'another.2', 'PX', 60_000);
      const looking = gate.hold('mget');
      takingOver.release();
      await Promise.race([looking.reached, waiting]);
      expect(loader).not.toHaveBeenCalled();
      expect(await stage.client.get(lease)).toBe('another.2');
      await stage.client.unlink(lease);
      looking.release();
      expect(await waiting).toBe('value');
    });

    it('is given back when the fill fails, so that no caller waits for it', async () => {
      const keys = stage.keys();
      const unlucky = failing(stage.client, 'evalsha', isFill, new Error('Connection is closed.'));
      const first = listenedCache(unlucky, keys);
      const second = listenedCache(await stage.open(), keys);
      expect(await first.cache.getOrLoad('x', () => 'unfilled')).toBe('unfilled');
      const { ms, result } = await timed(() => second.cache.getOrLoad('x', () => 'filled'));
      expect(result).toBe('filled');
      expect(ms).toBeLessThan(SOON_MS);
    });

    it('prevents a late set from storing after a deletion', async () => {
      const { gate, first, second } = await twoProcesses(stage);
      const storing = gate.hold('evalsha', isFill);
      const setting = first.cache.set('x', 'old', { timeout: '10s' });
      await storing.reached;
      await second.cache.delete('x');
      storing.release();
      await setting;
      expect(await second.cache.get('x')).toBeUndefined();
    });

    it('is removed by set, whose value no running load replaces', async () => {
      const { first, second } = await twoProcesses(stage);
      const old = heldLoader(() => 'old');
      const loading = first.cache.getOrLoad('x', old.load);
      await old.hasRead;
      await second.cache.set('x', 'set');
      old.finish();
      await loading;
      expect(await second.cache.get('x')).toBe('set');
    });
  });
});

/** On one server both go at once. */
onCluster((stage) => {
  describe('The lease of a deleted entry', () => {
    it('is removed before the entry, so that no load fills it in between', async () => {
      const { gate, first, second, lease } = await twoProcesses(stage);
      const old = heldLoader(() => 'old');
      const loading = second.cache.getOrLoad('x', old.load);
      await old.hasRead;
      const between = gate.hold('unlink');
      const deleting = first.cache.delete('x');
      await between.reached;
      await gate.client.exists(lease); // what was sent before has been executed now
      old.finish();
      await loading;
      between.release();
      await deleting;
      expect(await first.cache.get('x')).toBeUndefined();
    });
  });
});

onOneServer((stage) => {
  it('A deletion by pattern searches leases before entries', async () => {
    const keys = stage.keys();
    const gate = gated(stage.client);
    const first = listenedCache(gate.client, keys);
    const second = listenedCache(await stage.open(), keys);
    const old = heldLoader(() => 'old');
    const loading = second.cache.getOrLoad('x', old.load);
    await old.hasRead;
    const between = gate.hold('scan', nth(2));
    const deleting = first.cache.invalidatePattern('*');
    await between.reached;
    old.finish();
    await loading;
    between.release();
    await deleting;
    expect(await second.cache.get('x')).toBeUndefined();
  });
});
