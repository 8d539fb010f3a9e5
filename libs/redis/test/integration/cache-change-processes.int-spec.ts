import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { KeyBuilder, type RedisModuleOptions } from '../../src/index.js';
import { startCluster, startRedis } from '../../src/testing/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { listenedCache } from './support/cache-stage.js';
import { startDyingWriter } from './support/dying-writer.js';
import { heldLoader } from './support/latch.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

const topologies = {
  'one server': async () => {
    const server = await startRedis();
    return { options: { url: server.url }, stop: () => server.stop() };
  },
  'a cluster': async () => {
    const cluster = await startCluster({ replicas: false });
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    return { options: { clusterNodes }, stop: () => cluster.stop() };
  },
} as const;

describeWithRealRedis('A process that is killed between commit and invalidation', () => {
  describe.each(Object.entries(topologies))('on %s', (_, start) => {
    const environment = 'dying';
    const keys = new KeyBuilder({ app: 'test', environment });
    let servers: { options: RedisModuleOptions; stop(): Promise<void> };
    let connection: OpenConnection;
    beforeAll(async () => {
      servers = await start();
      connection = await openConnection(servers.options);
    });
    afterAll(async () => {
      await connection.close();
      await servers.stop();
    });

    it.each([
      ['a tag', { tags: ['t'] }],
      ['an entry', { keys: ['x'] }],
    ])('leaves no old value of %s behind, and the new value is cached soon', async (_, what) => {
      const { cache } = listenedCache(connection.client, keys, { loadTimeout: '10m' });
      let source = 'old';
      const load = () => cache.resolve('x', () => source, { tags: ['t'] });
      const late = heldLoader(() => source);
      const loading = cache.resolve('x', late.load, { tags: ['t'] });
      await late.hasRead;
      const writer = await startDyingWriter({ connection: servers.options, environment, what });
      late.finish();
      await loading;
      source = 'new'; // committed
      await writer.kill();
      expect(await load()).toMatchObject({ value: 'new', status: 'miss' });
      await waitUntil('what is new is cached', async () => {
        const { value, status } = await load();
        expect(value).toBe('new');
        return status === 'hit';
      });
      await cache.delete('x');
    });
  });
});
