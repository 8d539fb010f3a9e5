/** The near copy while hash slots move between the nodes of a cluster. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { slotOf } from '../../src/connection/driver/hash-slots.js';
import { KeyBuilder } from '../../src/index.js';
import {
  startCluster,
  type RedisTestCluster,
  type RedisTestServer,
} from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { eventually } from '../../../../test/support/time.js';
import { listenedCache } from './support/cache-stage.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';

const keys = new KeyBuilder({ app: 'test', environment: 'moved' });
const NEAR = { maxBytes: 2 ** 20, staleness: '2s' } as const;

describeWithRealRedis('on a cluster', () => {
  let cluster: RedisTestCluster;
  let connection: OpenConnection;
  beforeAll(async () => {
    cluster = await startCluster({ replicas: false });
    const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
    connection = await openConnection({ clusterNodes });
  });
  afterAll(async () => {
    await connection.close();
    await cluster.stop();
  });

  describe('A near copy', () => {
    it('keeps nothing that came by a redirection, and all of it once the slot has moved', async () => {
      const { cache } = listenedCache(connection.client, keys, { ttl: '1m', near: NEAR });
      const read = (key: string) => cache.getOrLoad(key, () => 'value');
      const warm = (key: string) =>
        eventually(async () => {
          await read(key);
          expect(cache.near(key)).toBeDefined();
        });
      await warm('x');
      const stored = keys.key('cache', 'x');
      const slot = String(slotOf(stored));
      const [from, to] = await ownerAndOther(cluster, stored);
      const idOf = (node: RedisTestServer) => sendCommand(node, 'CLUSTER', 'MYID').then(String);
      await sendCommand(to, 'CLUSTER', 'SETSLOT', slot, 'IMPORTING', await idOf(from));
      await sendCommand(from, 'CLUSTER', 'SETSLOT', slot, 'MIGRATING', await idOf(to));
      await sendCommand(from, 'MIGRATE', to.host, String(to.port), stored, '0', '1000');
      await eventually(() => {
        expect(cache.near('x')).toBeUndefined();
      });
      for (let n = 0; n < 5; n++) {
        expect(await read('x')).toBe('value');
        expect(cache.near('x')).toBeUndefined();
      }
      for (const node of [to, from, ...cluster.nodes]) {
        await sendCommand(node, 'CLUSTER', 'SETSLOT', slot, 'NODE', await idOf(to));
      }
      await warm('x');
    });
  });
});

/** The node that has a key, and one of the others. */
async function ownerAndOther({ nodes }: RedisTestCluster, key: string) {
  const has = await Promise.all(
    nodes.map(async (node) => (await sendCommand(node, 'EXISTS', key).catch(() => 0)) === 1),
  );
  const owner = nodes[has.indexOf(true)];
  const other = nodes.find((node) => node !== owner);
  if (!owner || !other) throw new Error(`no node has ${key}`);
  return [owner, other] as const;
}
