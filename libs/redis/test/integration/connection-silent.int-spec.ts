/** Connections that are open and lead nowhere, and others that only look like it. */
import { readFile } from 'node:fs/promises';
import { afterEach, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import type { RedisModuleOptions } from '../../src/index.js';
import { startRedis } from '../../src/testing/index.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { caught } from './support/caught.js';
import { Gateway } from './support/gateway.js';
import { openConnection } from './support/open-connection.js';

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function open(
  options: RedisModuleOptions,
  { tls = false, args = [] }: { readonly tls?: boolean; readonly args?: readonly string[] } = {},
) {
  const server = await startRedis({ tls, args });
  cleanups.push(() => server.stop());
  const gateway = await Gateway.open(server);
  cleanups.push(() => gateway.close());
  const { host, port } = gateway;
  const connection = await openConnection({
    host,
    port,
    shutdownTimeout: '100ms',
    ...(server.tls && { tls: { ca: server.tls.ca } }),
    ...options,
  });
  cleanups.push(() => connection.close());
  const replaced = () => connection.events.filter(({ type }) => type === 'connection.replaced');
  return { ...connection, server, gateway, replaced, client: connection.client as Redis };
}

const works = (client: Redis) => async () => (await client.incr('n')) > 0;

describeWithRealRedis('A connection without any traffic', () => {
  it.each([false, true])('is replaced once if all its commands time out (TLS: %p)', async (tls) => {
    const { client, gateway, replaced } = await open({ commandTimeout: '200ms' }, { tls });
    await client.set('k', 'v');
    gateway.strandAll();
    expect(await caught(client.get('k'))).toMatchObject({ message: 'Command timed out' });
    await waitUntil('commands succeed again', works(client));
    expect(await client.get('k')).toBe('v');
    expect(replaced()).toEqual([
      expect.objectContaining({ endpoint: `127.0.0.1:${gateway.port}`, reason: 'silent' }),
    ]);
  });

  it('is replaced before its commands time out, if configured', async () => {
    const { client, gateway } = await open({ silenceTimeout: '100ms', commandTimeout: '1h' });
    await client.set('k', 'v');
    gateway.strandAll();
    const writing = caught(client.incr('n'));
    expect(await client.get('k')).toBe('v'); // what only reads is asked again
    expect(await writing).toMatchObject({ message: 'The connection broke before the reply came' });
  });

  it('is replaced if it is a dedicated connection, also if the hanging command is a blocking one', async () => {
    const { pool, gateway, replaced } = await open({
      silenceTimeout: '100ms',
      commandTimeout: '200ms',
    });
    const lent = await pool.acquire();
    const dedicated = lent.client as Redis;
    await dedicated.ping();
    gateway.strandAll();
    expect(await caught(dedicated.blpop('jobs', 0.1))).toBeInstanceOf(Error);
    await waitUntil('commands succeed again', works(dedicated));
    expect(replaced()).toHaveLength(1);
    lent.release();
  });
});

describeWithRealRedis('A healthy connection without traffic', () => {
  it('is kept while it is subscribed without messages, and while a command blocks', async () => {
    const { client, pool, replaced } = await open({ silenceTimeout: '30ms' });
    const [one, other] = await Promise.all([pool.acquire(), pool.acquire()]);
    const subscriber = one.client as Redis;
    await subscriber.subscribe('news');
    const worker = other.client as Redis;
    const job = worker.blpop('jobs', 0);
    await waitUntil('the command blocks', async () => {
      return String(await client.client('LIST')).includes('cmd=blpop');
    });
    const streams = [subscriber.stream, worker.stream];
    await new Promise((resolve) => setTimeout(resolve, 400)); // many times as long as is suspicious
    expect(replaced()).toEqual([]);
    expect([subscriber.stream, worker.stream].map((stream, i) => stream === streams[i])).toEqual([
      true,
      true,
    ]);
    const heard = new Promise((resolve) => subscriber.once('message', (...news) => resolve(news)));
    await client.multi().publish('news', 'now').rpush('jobs', 'a').exec();
    expect(await heard).toEqual(['news', 'now']);
    expect(await job).toEqual(['jobs', 'a']);
    one.release();
    other.release();
  });

  it('is kept if the server answers late, or was frozen for a short time', async () => {
    const { client, server, gateway, replaced } = await open({ silenceTimeout: '100ms' });
    await client.client('PAUSE', 400);
    const asked = performance.now();
    expect(await client.get('n')).toBeNull();
    expect(performance.now() - asked).toBeGreaterThan(300);
    const { accepted } = gateway;
    server.freeze();
    const counting = client.incr('n');
    const start = performance.now();
    await new Promise((resolve) => setTimeout(resolve, 700));
    const silences = (performance.now() - start) / 100;
    server.thaw();
    expect(await counting).toBe(1);
    expect(replaced()).toEqual([]);
    expect(gateway.accepted - accepted).toBeLessThanOrEqual(silences + 1); // not a storm
  });
});

const itOnLinux = process.platform === 'linux' ? it : it.skip;

describeWithRealRedis('Every connection', () => {
  itOnLinux('lets TCP ask now and then whether the other side is still there', async () => {
    const { client, pool } = await open({});
    const lent = await pool.acquire();
    const dedicated = lent.client as Redis;
    await Promise.all([client.ping(), dedicated.ping()]);
    for (const { stream } of [client, dedicated]) {
      await waitUntil('keep-alive is all it waits for', () => isKeptAlive(stream.localPort ?? 0));
    }
    lent.release();
  });
});

/**
 * Whether the timer of keep-alive (02) runs, within the next 10 s: in the kernel's table of connections
 * (`number local remote state queues timer:when ...`).
 */
async function isKeptAlive(localPort: number): Promise<boolean> {
  const port = localPort.toString(16).toUpperCase().padStart(4, '0');
  const rows = (await readFile('/proc/net/tcp', 'utf8')).split('\n');
  return rows.some((row) => {
    const [, local, , , , timer = ''] = row.trim().split(/\s+/);
    const [kind, when = ''] = timer.split(':');
    return local?.endsWith(`:${port}`) && kind === '02' && Number.parseInt(when, 16) <= 1_000;
  });
}
