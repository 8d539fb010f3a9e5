import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import type { RedisTestServer } from '../../src/testing/redis-test-server.js';
import { startFaultProxy, type FaultProxy } from '../../src/testing/start-fault-proxy.js';
import { startRedis } from '../../src/testing/start-redis.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { pass } from '../../../../test/support/time.js';

let server: RedisTestServer;

beforeAll(async () => {
  server = await startRedis();
});

afterAll(() => server.stop());

describe('startFaultProxy', () => {
  it('forwards and counts connections', async () => {
    await using proxy = await startFaultProxy(server);
    const [one, other] = [connectTo(proxy), connectTo(proxy)];
    await Promise.all([one.ping(), other.ping()]);
    expect([proxy.connections, proxy.accepted]).toEqual([2, 2]);
    one.disconnect();
    await waitUntil('it has noticed', () => proxy.connections === 1);
    expect(proxy.accepted).toBe(2);
    other.disconnect();
  });

  it('delays replies, in order even if the delay is shortened meanwhile', async () => {
    await using proxy = await startFaultProxy(server);
    const [client, direct] = [connectTo(proxy), connectTo(server)];
    await client.ping();
    proxy.delay(200);
    const start = performance.now();
    const first = client.incr('delayed');
    await waitUntil('the first is answered', async () => (await direct.get('delayed')) === '1');
    await pass(40); // on its way
    proxy.delay(0);
    expect(await Promise.all([first, client.incr('delayed')])).toEqual([1, 2]);
    expect(performance.now() - start).toBeGreaterThan(190);
    client.disconnect();
    direct.disconnect();
  });

  it('stalls without closing, also for new connections, and heals', async () => {
    await using proxy = await startFaultProxy(server);
    const client = connectTo(proxy, { commandTimeout: 1_000 });
    await client.ping();
    proxy.stall();
    await expect(client.ping()).rejects.toThrow('Command timed out');
    const late = connectTo(proxy, { connectTimeout: 30_000 });
    await once(late, 'connect');
    expect([client.status, proxy.connections]).toEqual(['ready', 2]);
    await proxy.heal();
    expect(await Promise.all([client.ping(), late.ping()])).toEqual(['PONG', 'PONG']);
    client.disconnect();
    late.disconnect();
  });

  it('cuts connections, refuses new ones, and heals on the same port', async () => {
    await using proxy = await startFaultProxy(server);
    const client = connectTo(proxy);
    await client.ping();
    const { port } = proxy;
    const refused = once(client, 'error') as Promise<[Error]>;
    await proxy.cut();
    expect((await refused)[0].message).toMatch(/ECONNREFUSED/);
    expect(proxy.connections).toBe(0);
    await proxy.heal();
    expect(proxy.port).toBe(port);
    await waitUntil('the client is back', async () => Boolean(await client.ping()));
    client.disconnect();
  });

  it('closes the connection of the client when the server closes its own', async () => {
    await using own = await startRedis();
    await using proxy = await startFaultProxy(own);
    const client = connectTo(proxy, { retryStrategy: () => null });
    await client.ping();
    const closed = once(client, 'end');
    await own.kill();
    await closed;
    await waitUntil('the proxy has noticed', () => proxy.connections === 0);
  });
});

function connectTo({ port, host }: FaultProxy | RedisTestServer, options: object = {}): Redis {
  return new Redis(port, host, {
    maxRetriesPerRequest: 0,
    retryStrategy: () => 20,
    ...options,
  });
}
