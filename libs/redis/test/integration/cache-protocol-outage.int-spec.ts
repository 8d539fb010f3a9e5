import { describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { failing } from './support/failing-client.js';
import { heldLoader } from './support/latch.js';
import { onOneServer } from './support/repository-servers.js';

/** A client that is not ready, and never will be. */
function away(): Redis {
  const client = new Redis({ port: 1, lazyConnect: true, retryStrategy: () => null });
  client.on('error', () => undefined);
  client.disconnect();
  return client;
}

onOneServer((stage) => {
  describe('While Redis is down', () => {
    it('a caller does not get a value of a load that began before its call', async () => {
      const { cache } = listenedCache(away(), stage.keys());
      const old = heldLoader(() => 'old');
      const first = cache.resolve('x', old.load);
      await old.hasRead;
      const second = cache.resolve('x', () => 'new');
      expect(await second).toMatchObject({ value: 'new', status: 'bypass' });
      old.finish();
      expect((await first).value).toBe('old');
    });

    it('concurrent callers load once, also while an earlier load is running', async () => {
      const { cache } = listenedCache(away(), stage.keys());
      const old = heldLoader(() => 'old');
      const first = cache.getOrLoad('x', old.load);
      await old.hasRead;
      const loader = jest.fn(async () => 'new');
      const calls = Array.from({ length: 50 }, () => cache.getOrLoad('x', loader));
      expect(new Set(await Promise.all(calls))).toEqual(new Set(['new']));
      expect(loader).toHaveBeenCalledTimes(1);
      old.finish();
      await first;
    });
  });

  describe('The breaker', () => {
    const options = { breakerThreshold: 3, breakerCooldown: '10m', timeout: '1s' } as const;

    it('does not open when Redis refuses commands', async () => {
      const keys = stage.keys();
      const full = new Error("OOM command not allowed when used memory > 'maxmemory'.");
      full.name = 'ReplyError';
      const client = failing(stage.client, 'evalsha', () => true, full);
      await listenedCache(stage.client, keys).cache.set('known', 'value');
      const { cache, of } = listenedCache(client, keys, options);
      for (let n = 0; n < 10; n++) {
        expect((await caught(cache.set(['x', n], n))).message).toContain('memory');
      }
      expect(of('cache.breaker')).toEqual([]);
      expect(await cache.get('known')).toBe('value');
    });

    it('opens when connections fail, and then no command is sent', async () => {
      const keys = stage.keys();
      const closed = new Error('Connection is closed.');
      const client = failing(stage.client, 'evalsha', () => true, closed);
      await listenedCache(stage.client, keys).cache.set('known', 'value');
      const { cache, of } = listenedCache(client, keys, options);
      for (let n = 0; n < 10; n++) {
        await cache.set(['x', n], n).catch(() => undefined);
      }
      expect(of('cache.breaker')).toMatchObject([{ state: 'open' }]);
      expect(await cache.get('known')).toBeUndefined();
    });
  });
});
