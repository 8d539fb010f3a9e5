import { describe, expect, it, jest } from '@jest/globals';
import { hasRealRedis } from '../../../../test/support/real-redis.js';
import { listenedCache } from './support/cache-stage.js';
import { recordCommands } from './support/record-commands.js';
import { onOneServer } from './support/repository-servers.js';

/** Lua in the embedded server takes half a millisecond for each of three scripts of a key. */
const MANY = hasRealRedis ? 5_000 : 1_500;
const MOST = 500;

/** As long as a busy machine may take. */
const PATIENT = { timeout: '60s', loadTimeout: '60s' } as const;

onOneServer((stage) => {
  describe('RedisCache.getOrLoadAll', () => {
    it('passes at most 500 keys to one call of its loader, and waits for a call before the next', async () => {
      const { cache } = listenedCache(stage.client, stage.keys(), PATIENT);
      const keys = Array.from({ length: MANY }, (_, n) => ['n', n] as const);
      let running = 0;
      const loader = jest.fn(async (missing: (typeof keys)[number][]) => {
        expect(++running).toBe(1);
        await new Promise(setImmediate);
        running--;
        return new Map(missing.map((key) => [key, key[1]]));
      });
      const options = { tags: ['numbers'] };
      const found = await cache.getOrLoadAll(keys, loader, options);
      expect([...found.values()]).toEqual(keys.map(([, n]) => n));
      expect(loader.mock.calls.map(([missing]) => missing.length)).toEqual(
        Array(MANY / MOST).fill(MOST),
      );
      await cache.delete(['n', 7]);
      await cache.delete(['n', MANY - 1]);
      const record = recordCommands(stage.client);
      expect(await cache.getOrLoadAll(keys, loader, options)).toEqual(found);
      expect(loader.mock.lastCall?.[0]).toEqual([
        ['n', 7],
        ['n', MANY - 1],
      ]);
      expect(record.roundTrips).toBeLessThanOrEqual(MANY / MOST + 2); // one for each 500, the lease, the fill
    });
  });
});
