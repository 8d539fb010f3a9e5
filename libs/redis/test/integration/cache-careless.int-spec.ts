import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { hangUp } from '../../../../test/support/hang-up.js';
import { KeyBuilder } from '../../src/index.js';
import { startRedis, type RedisTestServer } from '../../src/testing/index.js';
import { listenedCache } from './support/cache-stage.js';
import { caught } from './support/caught.js';
import { onOneServer } from './support/repository-servers.js';

onOneServer((stage) => {
  describe('The context of a loader of RedisCache', () => {
    it('has methods that work without the object', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      await cache.getOrLoad('x', async ({ dependOn, addTags, setTtl, skipCache, read }) => {
        await dependOn({ tags: ['early'] });
        addTags('early');
        setTtl('1m');
        skipCache();
        return (await read('nothing')) ?? 'value';
      });
      expect(await cache.get('x')).toBeUndefined();
    });

    it('keeps a value out of the cache if the loader does not await its dependencies', async () => {
      const { cache } = listenedCache(stage.client, stage.keys());
      const careless = () =>
        cache.getOrLoad('x', ({ dependOn }) => {
          void dependOn({ tags: ['t'] });
          return 'value';
        });
      expect(await careless()).toBe('value');
      expect(await cache.get('x')).toBeUndefined();
    });

    it('does not cache a value if a dependency has changed during the load, also if it has changed back', async () => {
      const { cache, of } = listenedCache(stage.client, stage.keys());
      const { client } = stage;
      await client.set('flag', 'A');
      const load = (during: () => Promise<unknown>) =>
        cache.getOrLoad('x', () => during().then(() => client.get('flag')), {
          dependsOn: ['flag'],
        });
      expect(await load(() => client.set('flag', 'B'))).toBe('B');
      await client.set('flag', 'A');
      expect(await load(async () => undefined)).toBe('A');
      expect(of('cache.load').map(({ outcome }) => outcome)).toEqual(['lost', 'filled']);
    });
  });
});

describeWithRealRedis('The outbox of a cache', () => {
  let server: RedisTestServer;
  let client: Redis;
  beforeAll(async () => {
    server = await startRedis();
    client = new Redis(server.port, server.host);
  });
  afterAll(async () => {
    hangUp(client);
    await server.stop();
  });

  it('drops an invalidation that Redis would refuse again', async () => {
    const keys = new KeyBuilder({ app: 'test', environment: 'refused' });
    const { cache } = listenedCache(client, keys, { outbox: true });
    await client.call('ACL', 'SETUSER', 'default', '-unlink');
    expect(await caught(cache.invalidateTags('t'))).toHaveProperty('name', 'RedisBatchException');
    expect(await caught(cache.delete('x'))).toHaveProperty('name', 'RedisPermissionException');
    expect(await cache.close()).toBe(0);
  });
});
