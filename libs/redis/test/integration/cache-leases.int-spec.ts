import { expect, it, jest } from '@jest/globals';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { gated } from './support/gate.js';
import { useHarmedServer } from './support/harmed-server.js';
import { heldLoader } from './support/latch.js';
import { pass, SOON_MS, timed } from '../../../../test/support/time.js';

const SCRIPT = join(process.cwd(), 'libs/redis/test/integration/support/cache-in-child.cjs');

/** Long enough for a few commands on a busy machine. */
const QUICK = { timeout: '1s', breakerCooldown: '50ms' } as const;

const PATIENT = { timeout: '5s' } as const;

const NAMES = Array.from({ length: 20 }, (_, i) => `k${i}`);

describeWithRealRedis('After an outage', () => {
  const harmed = useHarmedServer();

  it.each(['in the socket', 'still in this process'])(
    'no caller waits for a lease whose command was %s',
    async (where) => {
      const one = await harmed.open();
      const { client, hold } = gated(one.client);
      const { cache } = listenedCache(client, harmed.keys, QUICK);
      await cache.getOrLoad('scripts', () => 'are known now', PATIENT);
      const held = NAMES.map(() => hold('evalsha'));
      const calls = NAMES.map((name) => cache.resolve(name, () => 'without'));
      await Promise.all(held.map(({ reached }) => reached));
      harmed.server.freeze();
      const send = () => {
        for (const { release } of held) release();
      };
      if (where === 'in the socket') send();
      for (const { status } of await Promise.all(calls)) expect(status).toBe('bypass');
      await pass(150); // or each lease would still come in time
      harmed.server.thaw();
      send();
      await waitUntil(
        'it is back',
        async () => (await cache.resolve('y', () => 1, PATIENT)).status === 'hit',
      );
      const { ms, result } = await timed(() =>
        Promise.all(NAMES.map((name) => cache.resolve(name, () => 'value', PATIENT))),
      );
      // A lease that still came in time was used.
      const inTime = result.filter(({ status, value }) => status === 'hit' && value === 'without');
      const misses = result.filter(({ status, value }) => status === 'miss' && value === 'value');
      expect(inTime.length + misses.length).toBe(NAMES.length);
      expect(ms).toBeLessThan(SOON_MS);
    },
  );

  it('a load from before does not overwrite newer values, and no caller waits for it', async () => {
    const one = await harmed.openThroughProxy(QUICK);
    const other = await harmed.open();
    const { hasRead, load, finish } = heldLoader(() => 'old');
    const loading = one.cache.getOrLoad('x', load, { tags: ['t'] });
    await hasRead;
    harmed.proxy.stall();
    finish();
    const { ms } = await timed(() => loading);
    expect(ms).toBeLessThan(SOON_MS);
    await other.cache.invalidateTags('t');
    await harmed.proxy.heal();
    await one.client.ping();
    const next = await timed(() => other.cache.resolve('x', () => 'new', { tags: ['t'] }));
    expect(next.result).toMatchObject({ value: 'new', status: 'miss' });
    expect(next.ms).toBeLessThan(SOON_MS);
  });
});

describeWithRealRedis('While Redis is down', () => {
  const harmed = useHarmedServer();

  async function cacheWithoutRedis(options: Parameters<typeof harmed.open>[0] = {}) {
    const one = await harmed.open(options);
    await harmed.server.kill();
    await one.connection.until('connection.down');
    return one;
  }

  it('no more than maxLoads loaders run at the same time', async () => {
    const { cache } = await cacheWithoutRedis({ maxLoads: 3 });
    let [running, most] = [0, 0];
    const loader = async () => {
      most = Math.max(most, ++running);
      await nextTurn(); // all that may have begun
      running--;
      return 'value';
    };
    const values = await Promise.all(NAMES.map((name) => cache.getOrLoad(name, loader)));
    expect(values).toEqual(NAMES.map(() => 'value'));
    expect(most).toBe(3);
  });

  it('concurrent callers of one key share a load that began after their calls', async () => {
    const { cache } = await cacheWithoutRedis();
    let loads = 0;
    const loader = () => nextTurn(++loads);
    const together = await Promise.all(NAMES.map(() => cache.getOrLoad('x', loader)));
    expect(new Set(together)).toEqual(new Set([1]));
    const { hasRead, load, finish } = heldLoader(() => ++loads);
    const first = cache.getOrLoad('x', load);
    await hasRead;
    const later = cache.getOrLoad('x', loader);
    finish();
    expect([await first, await later]).toEqual([2, 3]);
  });

  it('a caller that waits too long for a place gets an exception', async () => {
    const { cache } = await cacheWithoutRedis({ maxLoads: 1, loadTimeout: '100ms' });
    let end!: () => void;
    const endless = cache.getOrLoad('y', () => new Promise<void>((resolve) => (end = resolve)), {
      loadTimeout: '10s',
    });
    const loader = jest.fn(() => 'value');
    const { ms, result } = await timed(() => caught(cache.getOrLoad('z', loader)));
    expect(result).toMatchObject({ name: 'RedisLoadTimeoutException', timeoutMs: 100 });
    expect(result.message).toContain('maxLoads other loaders were running');
    expect(ms).toBeLessThan(SOON_MS);
    expect(loader).not.toHaveBeenCalled();
    end();
    await endless;
    expect(await cache.getOrLoad('z', loader)).toBe('value');
  });

  it('a loader may call its context as usual, but its reads fail', async () => {
    const { cache, of } = await cacheWithoutRedis();
    const value = await cache.resolve('x', async (context) => {
      await context.dependOn({ tags: ['t'] });
      context.addTags('u');
      context.setTtl('1m');
      return 'value';
    });
    expect(value).toMatchObject({ value: 'value', status: 'bypass' });
    const read = await caught(cache.getOrLoad('x', (context) => context.read('y')));
    expect(read).toHaveProperty('name', 'RedisConnectionException');
    expect(of('cache.load').map(({ outcome }) => outcome)).toEqual(['skipped', 'failed']);
  });

  it('a process has no unhandled rejection, and ends by itself', async () => {
    const args = [SCRIPT, String(harmed.server.port), String(harmed.server.pid)];
    const { stdout } = await promisify(execFile)(process.execPath, args, { timeout: 50_000 });
    expect(JSON.parse(stdout)).toEqual({ before: 'miss', frozen: ['bypass'], killed: ['bypass'] });
  });
});
