import { describe, expect, it, jest } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { pass, SOON_MS, timed } from '../../../../test/support/time.js';
import { RedisInvalidationException } from '../../src/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { useHarmedServer, type CacheOnServer } from './support/harmed-server.js';
import { latch } from './support/latch.js';

const QUICK = { timeout: '100ms', breakerCooldown: '50ms' } as const;

/** While Redis answers, however busy the machine is. */
const PATIENT = { timeout: '5s' } as const;

const OF_X = { tags: ['t'], keys: ['x'] } as const;

const read = ({ cache }: CacheOnServer, value: unknown, key = 'x') =>
  cache.resolve(key, () => value, { tags: ['t'], ...PATIENT });

describeWithRealRedis('on one server', () => {
  describe('A change while Redis is down', () => {
    const harmed = useHarmedServer();

    /** Opens caches with an entry that a change has to invalidate. */
    async function openFilled(options = {}) {
      const away = await harmed.openThroughProxy({ ...QUICK, ...options });
      const other = await harmed.open();
      await read(other, 'old');
      await read(other, 'old', 'y');
      await away.cache.change({ tags: ['scripts'], keys: ['scripts'] }, () => undefined);
      return { away, other };
    }

    it('is made without a long wait, and invalidates if Redis returns before its end', async () => {
      const { away, other } = await openFilled();
      harmed.proxy.stall();
      const { ms } = await timed(() =>
        away.cache.change(OF_X, async () => {
          expect((await read(other, 'no')).value).toBe('old'); // Redis does not know of the change yet
          await harmed.proxy.heal();
          await away.client.ping();
        }),
      );
      expect(ms).toBeLessThan(SOON_MS);
      for (const key of ['x', 'y']) {
        expect(await read(other, 'new', key)).toMatchObject({ value: 'new', status: 'miss' });
      }
      expect(away.of('cache.failure').map(({ operation }) => operation)).toContain('change');
    });

    it('is made without a long wait if the connection is closed, and says that it is made', async () => {
      const { away } = await openFilled();
      await harmed.proxy.cut();
      await away.connection.until('connection.down');
      const work = jest.fn(() => ({ id: 5 }));
      const { ms, result } = await timed(() => caught(away.cache.change(OF_X, work)));
      expect(ms).toBeLessThan(SOON_MS);
      expect(work).toHaveBeenCalledTimes(1);
      expect(result).toBeInstanceOf(RedisInvalidationException);
      expect(result).toMatchObject({ code: 'REDIS_INVALIDATION', tags: ['t'], keys: ['x'] });
      expect((result as RedisInvalidationException).result).toEqual({ id: 5 });
      expect((result.cause as Error).name).toMatch(/^Redis(Timeout|Connection)Exception$/);
      expect(away.of('cache.invalidation').at(-1)).toMatchObject({
        by: 'change',
        count: 2,
        failed: 2,
      });
    });

    it('that throws rejects with its own error only', async () => {
      const { away } = await openFilled();
      await harmed.proxy.cut();
      await away.connection.until('connection.down');
      const failing = away.cache.change(OF_X, () => Promise.reject(new Error('rolled back')));
      expect((await caught(failing)).message).toBe('rolled back');
    });

    it('only at its end succeeds: no old value is valid, and nothing is cached until changeTtl has passed', async () => {
      const { away, other } = await openFilled({ changeTtl: '1s' });
      const made = away.cache.change(OF_X, async () => {
        harmed.proxy.stall();
        return 'made';
      });
      expect(await made).toBe('made');
      for (const key of ['x', 'y']) {
        for (let i = 0; i < 2; i++) {
          expect(await read(other, 'new', key)).toMatchObject({ value: 'new', status: 'miss' });
        }
      }
      await waitUntil('it is cached again', async () => {
        const { value, status } = await read(other, 'new');
        expect(value).toBe('new');
        return status === 'hit';
      });
    });

    it('only at its end is ended as soon as Redis is back, also without an outbox', async () => {
      const { away, other } = await openFilled({ changeTtl: '10m' });
      await away.cache.change(OF_X, () => {
        harmed.proxy.stall(); // what is sent now is lost
      });
      await harmed.proxy.cut();
      expect(await read(other, 'new')).toMatchObject({ value: 'new', status: 'miss' });
      await harmed.proxy.heal();
      await waitUntil('it is cached again', async () => (await read(other, 'x')).status === 'hit');
    });

    it('and then for longer than changeTtl does not claim that no old value is cached', async () => {
      const { away, other } = await openFilled({ changeTtl: '1s' });
      const made = away.cache.change(OF_X, async () => {
        harmed.proxy.stall();
        await waitUntil(
          'its time is over',
          async () => (await read(other, 'old')).status === 'hit',
        );
      });
      expect(await caught(made)).toMatchObject({ name: 'RedisInvalidationException', tags: ['t'] });
    });

    it('is kept in the outbox, and this process serves no old value meanwhile', async () => {
      const { away, other } = await openFilled({ outbox: true });
      harmed.proxy.stall();
      expect(await away.cache.change(OF_X, () => 'made')).toBe('made');
      expect(away.of('cache.invalidation').at(-1)).toMatchObject({ by: 'change', pending: 2 });
      await harmed.proxy.heal();
      await waitUntil('it is delivered', async () => {
        expect((await read(away, 'new', 'y')).value).toBe('new');
        return away.of('cache.invalidation').at(-1)?.pending === 0;
      });
      for (const key of ['x', 'y']) expect((await read(other, 'new', key)).value).toBe('new');
    });

    it('is refused before any work if the cache is closed during outages', async () => {
      const { away, other } = await openFilled({ onOutage: 'closed' });
      harmed.proxy.stall();
      const work = jest.fn();
      const { ms, result } = await timed(() => caught(away.cache.change(OF_X, work)));
      expect(ms).toBeLessThan(SOON_MS);
      expect(result.name).toBe('RedisTimeoutException');
      expect(work).not.toHaveBeenCalled();
      await harmed.proxy.heal();
      await away.client.ping();
      await waitUntil('it is cached again', async () => (await read(other, 'x')).status === 'hit');
    });

    it('is not disturbed by FLUSHALL', async () => {
      const { away, other } = await openFilled();
      await away.cache.change(OF_X, async () => {
        await other.client.flushall();
        await read(other, 'old');
        await read(other, 'old', 'y');
      });
      for (const key of ['x', 'y']) {
        expect(await read(other, 'new', key)).toMatchObject({ value: 'new', status: 'miss' });
      }
    });

    it('that is also full is ended as well, beside another writer', async () => {
      const { away, other } = await openFilled({ ...PATIENT, changeTtl: '1s' });
      const [begun, finishing] = [latch(), latch()];
      const another = (await harmed.open({ changeTtl: '1s' })).cache.change(OF_X, async () => {
        begun.open();
        await finishing.opened;
      });
      await begun.opened;
      await away.cache.change(OF_X, async () => {
        await other.client.config('SET', 'maxmemory', '1');
      });
      expect(away.of('cache.failure')).toEqual([]); // its time will end
      finishing.open();
      await another;
      await other.cache.invalidateTags('t');
      await other.client.config('SET', 'maxmemory', '0');
      await waitUntil('it is cached again', async () => (await read(other, 'x')).status === 'hit');
    });

    it('is awaited by close(), which reports the number of lost invalidations', async () => {
      const { away } = await openFilled(PATIENT);
      const [begun, finishing] = [latch(), latch()];
      const making = away.cache.change(OF_X, async () => {
        begun.open();
        await finishing.opened;
      });
      await begun.opened;
      let isClosed = false;
      const closing = away.cache.close().then((lost) => {
        isClosed = true;
        return lost;
      });
      await pass(50);
      expect(isClosed).toBe(false);
      finishing.open();
      expect(await closing).toBe(0);
      await making;

      const forEver = latch();
      const never = away.cache.change(OF_X, () => forEver.opened);
      expect(await away.cache.close()).toBe(2);
      forEver.open();
      await never;
    });
  });
});
