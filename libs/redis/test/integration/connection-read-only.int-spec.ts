/** One address behind which another server is the primary by now, as behind a proxy or a name. */
import { afterEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { startRedis, startReplica } from '../../src/testing/index.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { Gateway } from './support/gateway.js';
import { openConnection } from './support/open-connection.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function openBehindOneAddress() {
  const primary = await startRedis({ args: [] });
  cleanups.push(() => primary.stop());
  const replica = await startReplica(primary);
  cleanups.push(() => replica.stop());
  const gateway = await Gateway.open(primary);
  cleanups.push(() => gateway.close());
  const connection = await openConnection({ host: gateway.host, port: gateway.port });
  cleanups.push(() => connection.close());
  const failOver = async () => {
    await sendCommand(replica, 'REPLICAOF', 'NO', 'ONE');
    await sendCommand(primary, 'REPLICAOF', replica.host, String(replica.port));
  };
  return { ...connection, client: connection.client as Redis, gateway, replica, failOver };
}

describeWithRealRedis('A client with one address', () => {
  it('reconnects when the server says that it is a replica, with each of its connections', async () => {
    const { client, pool, events, gateway, replica, failOver } = await openBehindOneAddress();
    const lent = await pool.acquire();
    const dedicated = lent.client as Redis;
    await Promise.all([client.set('k', 1), dedicated.ping()]);
    await failOver();
    gateway.leadTo(replica);
    expect(await caught(client.set('k', 2))).toMatchObject({ message: /^READONLY/ });
    expect(await caught(dedicated.eval("return redis.call('SET', 'k', 3)", 0))).toMatchObject({
      message: /READONLY/,
    });
    await waitUntil('it writes again', async () => (await client.incr('n')) > 0);
    await waitUntil('so does the other', async () => (await dedicated.incr('n')) > 0);
    expect(await sendCommand(replica, 'GET', 'n')).toBe('2');
    expect(events.filter(({ type }) => type === 'connection.replaced')).toEqual([
      expect.objectContaining({ endpoint: `127.0.0.1:${gateway.port}`, reason: 'read-only' }),
      expect.objectContaining({ reason: 'read-only' }),
    ]);
    lent.release();
  });

  it('does not reconnect at each write while the address still leads to a replica', async () => {
    const { client, gateway, replica, failOver } = await openBehindOneAddress();
    await client.ping();
    await failOver();
    const { accepted } = gateway;
    const start = performance.now();
    for (let i = 0; i < 100; i++) {
      await Promise.all([caught(client.set('k', i)), caught(client.incr('n'))]);
      await new Promise(setImmediate);
    }
    const halfSeconds = (performance.now() - start) / 500;
    expect(gateway.accepted - accepted).toBeLessThanOrEqual(1 + halfSeconds);
    expect(await client.get('k')).toBeNull(); // reads are served all the time
    gateway.leadTo(replica);
    await waitUntil('it writes again', async () => (await client.incr('n')) > 0);
  });
});
