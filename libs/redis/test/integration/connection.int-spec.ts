import type { Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  startCluster,
  startFaultProxy,
  startRedis,
  startSentinel,
  type RedisTestServer,
} from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import { caught } from './support/caught.js';
import { openConnection, type OpenConnection } from './support/open-connection.js';
import { pass, SOON_MS, timed } from '../../../../test/support/time.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
async function start(options?: Parameters<typeof startRedis>[0]): Promise<RedisTestServer> {
  const server = await startRedis(options);
  cleanups.push(() => server.stop());
  return server;
}
async function connect(options: RedisModuleOptions): Promise<OpenConnection> {
  const connection = await openConnection(options);
  cleanups.push(() => connection.close());
  return connection;
}
/** A connection whose commands have 500 ms, to a server of its own behind a fault proxy. */
async function connectThroughProxy(options: RedisModuleOptions = {}) {
  const proxy = await startFaultProxy(await start());
  cleanups.push(() => proxy.stop());
  const { host, port } = proxy;
  const connection = await connect({ host, port, commandTimeout: '500ms', ...options });
  return { ...connection, proxy };
}

describe('a connection', () => {
  it('reads and writes in the chosen database', async () => {
    const server = await start();
    const { client } = await connect({ url: server.url, db: 3 });
    await client.set('k', 'v');
    const other = await connect({ url: `${server.url}/3` });
    expect(await other.client.get('k')).toBe('v');
  });

  it('writes the commands of one tick together', async () => {
    const server = await start();
    const { client } = await connect({ url: server.url });
    const { stream } = client as Redis;
    const writes = jest.spyOn(stream as Socket & { _writev: () => void }, '_writev');
    const replies = await Promise.all([client.set('a', 1), client.set('b', 2), client.get('a')]);
    expect(replies).toEqual(['OK', 'OK', '1']);
    expect(writes).toHaveBeenCalledTimes(1);
  });

  it('passes all other options to ioredis', async () => {
    const server = await start();
    const { client } = await connect({ url: server.url, ioredis: { connectionName: 'mine' } });
    expect(await client.client('GETNAME')).toBe('mine');
  });

  it('is announced once when it is lost and once when it is restored', async () => {
    const server = await start();
    const { client, events, until } = await connect({ url: server.url });
    await server.kill();
    await until('connection.down');
    expect(await caught(client.get('k'))).toBeInstanceOf(Error);
    await server.restart();
    await until('connection.ready', 2);
    expect(events.map((event) => event.type)).toEqual([
      'connection.ready',
      'connection.down',
      'connection.ready',
    ]);
    expect(events[2]).toMatchObject({ restored: true, connection: 'default' });
    expect(await client.set('k', 'v')).toBe('OK');
  });

  it('is closed without delay while there is no server', async () => {
    const server = await start();
    const { close } = await connect({ url: server.url });
    await server.kill();
    expect((await timed(close)).ms).toBeLessThan(SOON_MS);
  });
});

describe('startup', () => {
  const nowhere = { host: '127.0.0.1', port: 1 } as const;

  it("'background' boots at once and commands fail on their own", async () => {
    const { client, until } = await connect({ ...nowhere, startup: 'background' });
    await until('connection.down');
    expect(translateError(await caught(client.get('k')))?.name).toBe('RedisConnectionException');
  });

  it("'wait' continues the boot after the limit, and connects later", async () => {
    const server = await start();
    await server.kill();
    const { client, until, events } = await connect({
      url: server.url,
      startup: 'wait',
      startupTimeout: '200ms',
    });
    expect(events.map((event) => event.type)).toEqual(['connection.down']);
    await server.restart();
    await until('connection.ready');
    expect(await client.set('k', 'v')).toBe('OK');
  });

  it("'wait' and 'require' continue the boot as soon as Redis is ready", async () => {
    const server = await start();
    for (const startup of ['wait', 'require'] as const) {
      const { client } = await connect({ url: server.url, startup });
      expect(client.status).toBe('ready');
    }
  });

  it("'require' fails the boot after the limit, and names host, port and reason", async () => {
    const opening = openConnection({ ...nowhere, startup: 'require', startupTimeout: '200ms' });
    const error = await caught(opening);
    expect(error).toMatchObject({ name: 'RedisConnectionException', ...nowhere });
    expect(error.message).toContain('ECONNREFUSED');
  });
});

describeWithRealRedis('on a real server', () => {
  it.each(['wait', 'require'] as const)(
    "'%s' fails at once on wrong credentials",
    async (startup) => {
      const { host, port } = await start({ password: 'right' });
      const { ms, result } = await timed(() =>
        caught(openConnection({ host, port, password: 'wrong', startup, startupTimeout: '20s' })),
      );
      expect(result.name).toBe('RedisAuthenticationException');
      expect(ms).toBeLessThan(SOON_MS);
    },
  );

  it('speaks TLS, and refuses a certificate it cannot trust', async () => {
    const server = await start({ tls: true });
    const { client } = await connect({ url: server.url, tls: { ca: server.tls?.ca } });
    expect(await client.ping()).toBe('PONG');
    const untrusting = openConnection({ url: server.url, startupTimeout: '300ms' });
    expect((await caught(untrusting)).name).toBe('RedisConnectionException');
  });

  it('finds the primary through sentinels', async () => {
    const topology = await startSentinel();
    cleanups.push(() => topology.stop());
    const { client } = await connect({
      sentinels: topology.sentinels,
      sentinelName: topology.name,
    });
    await client.set('k', 'v');
    expect(await client.info('replication')).toContain('role:master');
  });

  it('finds the nodes of a cluster', async () => {
    const cluster = await startCluster({ replicas: false });
    cleanups.push(() => cluster.stop());
    const { client, pool } = await connect({ clusterNodes: cluster.nodes.slice(0, 1) });
    const keys = Array.from({ length: 50 }, (_, i) => `key:${i}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
    expect(await pool.use((dedicated) => dedicated.get('key:1'))).toBe('key:1');
    expect(await pool.use((dedicated) => dedicated.get('key:2'))).toBe('key:2');
  });

  it('reports a frozen server within the command timeout, also in a cluster', async () => {
    const cluster = await startCluster({ replicas: false });
    cleanups.push(() => cluster.stop());
    const { client } = await connect({ clusterNodes: cluster.nodes, commandTimeout: '500ms' });
    for (const node of cluster.nodes) node.freeze();
    const { ms, result } = await timed(() => caught(client.get('k')));
    expect(translateError(result)?.name).toBe('RedisTimeoutException');
    expect(ms).toBeLessThan(SOON_MS);
    for (const node of cluster.nodes) node.thaw();
  });

  it('lets a blocking command block for its own timeout', async () => {
    const server = await start();
    const { pool } = await connect({ url: server.url, commandTimeout: '600ms' });
    expect(await pool.use((client) => client.blpop('jobs', 0.8))).toBeNull();
    await pool.use(async (client) => {
      await client.ping(); // connected
      server.freeze();
      const error = await caught(client.blpop('jobs', 0.1));
      expect(translateError(error)).toMatchObject({
        name: 'RedisTimeoutException',
        timeoutMs: 700,
      });
    });
    server.thaw();
  });

  it('closes within its deadline when the server is frozen', async () => {
    const server = await start();
    const { close } = await connect({ url: server.url, shutdownTimeout: '100ms' });
    server.freeze();
    expect((await timed(close)).ms).toBeLessThan(SOON_MS);
    server.thaw();
  });

  it('waits for running commands before it closes', async () => {
    const server = await start();
    const connection = await openConnection({ url: server.url });
    const writes = Array.from({ length: 100 }, (_, i) => connection.client.set(`k${i}`, i));
    await connection.close();
    expect(await Promise.all(writes)).toHaveLength(100);
  });

  it('never sends a command, pipeline or transaction that has timed out', async () => {
    const { client, proxy, until } = await connectThroughProxy({ maxRetriesPerRequest: 1_000 });
    await proxy.cut();
    await until('connection.down');
    const late = [
      caught(client.set('a', 'late')),
      caught(client.multi().incr('b').incr('b').exec()),
      client.pipeline().incr('c').incr('c').exec(),
    ];
    const [command, transaction, pipeline] = await Promise.all(late);
    expect(translateError(command)?.name).toBe('RedisTimeoutException');
    expect(translateError(transaction)?.name).toBe('RedisTimeoutException');
    expect(pipeline).toHaveLength(2);
    await proxy.heal();
    await until('connection.ready', 2);
    expect(await client.mget('a', 'b', 'c')).toEqual([null, null, null]);
  });

  it('does not repeat a transaction that timed out before the connection broke', async () => {
    const { client, proxy, until } = await connectThroughProxy();
    proxy.delay(60_000); // requests pass, replies do not
    const transaction = await caught(client.multi().incr('n').exec());
    expect(translateError(transaction)?.name).toBe('RedisTimeoutException');
    await proxy.cut();
    await until('connection.down');
    proxy.delay(0);
    await proxy.heal();
    await until('connection.ready', 2);
    expect(await client.get('n')).toBe('1');
  });

  it('assigns replies to the right callers after a part of a pipeline has timed out', async () => {
    const { client, proxy, until } = await connectThroughProxy({ maxRetriesPerRequest: 1_000 });
    await client.mset('x', 'X', 'y', 'Y');
    await proxy.cut();
    await until('connection.down');
    // GET is late before BLPOP, which may block, and both wait for the connection.
    const mixed = client.pipeline().blpop('q', 20).get('x').exec();
    const late = client.get('x');
    expect(translateError(await caught(late))?.name).toBe('RedisTimeoutException');
    for (let broken = 0; broken < 2; broken++) {
      await proxy.heal();
      await until('connection.ready', 2 + broken);
      expect(await Promise.all([client.get('y'), client.get('x')])).toEqual(['Y', 'X']);
      await proxy.cut();
      await until('connection.down', 2 + broken);
    }
    const outcomes = (await mixed)?.map(([error]) => translateError(error)?.name);
    expect(outcomes).toEqual(['RedisTimeoutException', 'RedisTimeoutException']);
  });

  it('does not let a blocking command inside a transaction wait forever', async () => {
    const server = await start();
    const { client } = await connect({ url: server.url, commandTimeout: '200ms' });
    server.freeze();
    const error = await caught(client.multi().blpop('jobs', 0).exec());
    expect(translateError(error)).toMatchObject({ name: 'RedisTimeoutException', timeoutMs: 200 });
    server.thaw();
  });

  it('measures the timeout from the call, also behind commands without an answer', async () => {
    const server = await start();
    const { client } = await connect({ url: server.url, commandTimeout: '1s' });
    server.freeze();
    const first = caught(client.get('a'));
    await pass(50);
    const second = caught(client.get('b'));
    // It would take 1950 ms if it waited for the first. Timers keep their order on a busy machine.
    const late = pass(1_700).then(nextTurn);
    expect(translateError(await first)?.name).toBe('RedisTimeoutException');
    const error = await Promise.race([second, late.then(() => 'late')]);
    expect(translateError(error)).toMatchObject({ operation: 'get', key: 'b' });
    server.thaw();
  });

  it('does not let a blocking command on the shared client delay other commands forever', async () => {
    const server = await start();
    const { client } = await connect({ url: server.url, commandTimeout: '300ms' });
    const blocked = client.blpop('jobs', 0);
    await new Promise(setImmediate);
    expect(translateError(await caught(client.get('k')))?.name).toBe('RedisTimeoutException');
    const other = await connect({ url: server.url });
    await other.client.rpush('jobs', 'done');
    expect(await blocked).toEqual(['jobs', 'done']);
  });
});
