import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import type { RedisClient } from '../../src/connection/options/options.js';
import type { Duration } from '../../src/time/duration.js';
import { caught } from './support/caught.js';
import { onCluster } from './support/repository-servers.js';
import { SOON_MS, timed } from '../../../../test/support/time.js';
import type { Cluster } from 'ioredis';
import { openConnection, type OpenConnection } from './support/open-connection.js';

let server: RedisTestServer;
let connection: OpenConnection;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());
afterEach(() => connection.close());

const open = async (maxConnections = 2, acquireTimeout: Duration = '10s') => {
  connection = await openConnection({ url: server.url, maxConnections, acquireTimeout });
  return connection.pool;
};

describe('RedisPool', () => {
  it('lends a connection to one caller at a time, and reuses a clean one', async () => {
    const pool = await open();
    const seen = new Set<RedisClient>();
    for (let i = 0; i < 3; i++) {
      await pool.use(async (client) => {
        expect(client).not.toBe(connection.client);
        seen.add(client);
        await client.set('k', i);
      });
      await untilIdle();
    }
    expect(seen.size).toBe(1);
  });

  it('rejects with RedisPoolExhaustedException if no connection is released in time', async () => {
    const pool = await open(2, '300ms');
    const held = await Promise.all([pool.acquire(), pool.acquire()]);
    expect(pool.inUse).toBe(2);
    expect(await caught(pool.acquire())).toMatchObject({
      name: 'RedisPoolExhaustedException',
      maxConnections: 2,
      waitedMs: 300,
    });
    for (const lease of held) lease.release();
  });

  it('serves waiting callers in order, as connections are released', async () => {
    const pool = await open(1);
    const first = await pool.acquire();
    const order: number[] = [];
    const waiting = [1, 2, 3].map((i) =>
      pool.use((client) => {
        order.push(i);
        return client.ping();
      }),
    );
    first.release();
    first.release(); // once is enough
    expect(await Promise.all(waiting)).toEqual(['PONG', 'PONG', 'PONG']);
    expect(order).toEqual([1, 2, 3]);
  });

  it('releases the connection when the work throws', async () => {
    const pool = await open(1);
    const failing = pool.use(() => Promise.reject(new Error('no')));
    expect((await caught(failing)).message).toBe('no');
    expect(await pool.use((client) => client.ping())).toBe('PONG');
  });

  it('lets WATCH see a foreign write', async () => {
    const pool = await open();
    await connection.client.set('balance', 1);
    const result = await pool.use(async (client) => {
      await client.watch('balance');
      await connection.client.set('balance', 2);
      return client.multi().set('balance', 3).exec();
    });
    expect(result).toBeNull();
    expect(await connection.client.get('balance')).toBe('2');
  });

  it.each<[string, (client: RedisClient) => Promise<unknown>]>([
    ['in subscriber mode', (client) => client.subscribe('news')],
    ['inside MULTI', (client) => client.multi({ pipeline: false })],
    ['in another database', (client) => client.select(5)],
    ['under another name', (client) => client.client('SETNAME', 'mine')],
    [
      'with a command that is not answered yet',
      async (client) => {
        await client.ping();
        client.blpop('never', 0).catch(() => undefined);
      },
    ],
    [
      'with a listener left behind',
      (client) => Promise.resolve(client.on('message', () => undefined)),
    ],
    [
      'disconnected',
      (client) => {
        client.disconnect();
        return Promise.resolve();
      },
    ],
  ])('does not reuse a connection that comes back %s', async (_, spoil) => {
    const pool = await open(1);
    let spoiled: RedisClient | undefined;
    await pool.use((client) => {
      spoiled = client;
      return spoil(client);
    });
    await pool.use(async (client) => {
      expect(client).not.toBe(spoiled);
      expect(await client.ping()).toBe('PONG');
    });
    while (spoiled?.status !== 'end') await new Promise(setImmediate);
  });

  it('never opens more connections than its limit, whatever happens to them', async () => {
    const pool = await open(3);
    let most = 0;
    const jobs = Array.from({ length: 40 }, (_, i) =>
      pool.use(async (client) => {
        most = Math.max(most, pool.inUse);
        if (i % 4 === 0) client.disconnect();
        else await client.ping();
      }),
    );
    await Promise.all(jobs);
    expect(most).toBe(3);
  });

  it('ends waiting callers and idle connections when it is closed', async () => {
    const pool = await open(1);
    const { client } = await pool.acquire();
    const waiting = caught(pool.acquire());
    await pool.close();
    expect((await waiting).name).toBe('RedisConnectionException');
    expect((await caught(pool.acquire())).name).toBe('RedisConnectionException');
    await new Promise(setImmediate);
    expect(client.status).toBe('end');
  });
});

describe('RedisPool without an offline queue', () => {
  const withoutQueue = { enableOfflineQueue: false } as const;

  it('lends a connection once it is connected', async () => {
    connection = await openConnection({ url: server.url, ioredis: withoutQueue });
    const used = [1, 2, 3].map((n) => connection.pool.use((client) => client.incrby('n', n)));
    expect(await Promise.all(used)).toContain(6);
    await untilIdle();
    expect(await connection.pool.use((client) => client.ping())).toBe('PONG');
  });

  it('rejects at once, and frees the place, while Redis is down', async () => {
    const other = await startRedis();
    const { url } = other;
    connection = await openConnection({ url, ioredis: withoutQueue, maxConnections: 1 });
    await other.stop();
    const { ms, result } = await timed(() =>
      Promise.all([1, 2].map(() => caught(connection.pool.use((client) => client.ping())))),
    );
    expect(result.map(({ name }) => name)).toEqual(Array(2).fill('RedisConnectionException'));
    expect(ms).toBeLessThan(SOON_MS);
    expect(connection.pool.inUse).toBe(0);
  });

  onCluster((stage) => {
    it('lends a connection to a cluster once it is connected', async () => {
      const clusterNodes = (stage.client as Cluster)
        .nodes('master')
        .map(({ options: { host = '', port = 0 } }) => ({ host, port }));
      connection = await openConnection({ clusterNodes, ioredisCluster: withoutQueue });
      expect(await connection.pool.use((client) => client.set('k', 1))).toBe('OK');
    });
  });
});

async function untilIdle(): Promise<void> {
  while (connection.pool.inUse > 0) await new Promise(setImmediate);
}
