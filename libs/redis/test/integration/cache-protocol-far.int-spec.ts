import { expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { GetOrLoadOptions, Loader } from '../../src/cache/cache-options.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { useHarmedServer, type CacheOnServer } from './support/harmed-server.js';

/** One round trip fits in the time that a caller waits, and two do not. */
const ROUND_TRIP_MS = 450;
const FAR = { timeout: '750ms', breakerThreshold: 5, loadTimeout: '10m' } as const;

/** Asks until it is a hit. @returns where the values came from */
async function untilHit(
  { cache }: CacheOnServer,
  key: string,
  load: Loader<unknown>,
  options: GetOrLoadOptions = {},
): Promise<string[]> {
  const statuses: string[] = [];
  await waitUntil(`${key} is a hit`, async () => {
    const { status } = await cache.resolve(key, load, options);
    statuses.push(status);
    return status === 'hit';
  });
  return statuses;
}

describeWithRealRedis('With a slow link, on one server', () => {
  const harmed = useHarmedServer();

  it('a loaded value is stored, although its caller does not wait for that', async () => {
    const near = await harmed.open();
    await near.cache.getOrLoad('late', (context) => {
      context.addTags('found');
      return 'value';
    });
    await near.client.set('settings', 'content');
    const far = await harmed.openThroughProxy(FAR);
    await far.cache.getOrLoad('scripts', () => 'are known now', { dependsOn: ['settings'] });
    harmed.proxy.delay(ROUND_TRIP_MS);
    let loads = 0;
    const all = await Promise.all([
      untilHit(far, 'tagged', () => ++loads, { tags: ['t'] }),
      untilHit(far, 'made of content', () => 'value', { dependsOn: ['settings'] }),
      untilHit(far, 'late', () => 'loaded anew'), // which depends on more than its reader says
      ...Array.from({ length: 4 }, (_, i) => untilHit(far, `k${i}`, () => i)),
    ]);
    for (const [first] of all) expect(first).toBe('bypass');
    expect(loads).toBeGreaterThan(1);
    expect(await far.cache.getOrLoad('late', () => 'loaded anew')).toBe('value');
    expect(far.of('cache.breaker')).toEqual([]);
    expect(far.of('cache.too-far')).toEqual([]);
  });

  it('a value loaded before its lease was acquired is not stored', async () => {
    const near = await harmed.open();
    const far = await harmed.openThroughProxy(FAR);
    await far.cache.getOrLoad('scripts', () => 'are known now', { tags: ['t'] });
    harmed.proxy.delay(ROUND_TRIP_MS);
    let source = 'old';
    const found = far.cache.resolve('x', async () => {
      const value = source;
      // Changed and invalidated after this was read, when the lease has been given and is under way.
      source = 'new';
      await near.cache.delete('elsewhere');
      return value;
    });
    expect(await found).toMatchObject({ value: 'old', status: 'bypass' });
    await harmed.proxy.heal();
    await waitUntil('it is stored', async () => (await near.cache.get('x')) !== undefined);
    expect(await near.cache.get('x')).toBe('new');
  });

  it('a cache for which Redis always answers too late announces it once', async () => {
    const far = await harmed.openThroughProxy({ timeout: '80ms', breakerCooldown: '200ms' });
    harmed.proxy.delay(250);
    const ask = () => far.cache.resolve('x', () => 'value');
    await waitUntil('it says so', async () => {
      expect(await ask()).toMatchObject({ value: 'value', status: 'bypass' });
      return far.of('cache.too-far').length > 0;
    });
    const [{ roundTripMs, timeoutMs } = { roundTripMs: 0, timeoutMs: 0 }] = far.of('cache.too-far');
    expect(roundTripMs).toBeGreaterThanOrEqual(249);
    expect(timeoutMs).toBe(80);
  });
});
