import { once } from 'node:events';
import { describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startInChild } from '../../../../test/support/child.js';
import { hangUp } from '../../../../test/support/hang-up.js';
import { describeWithRealRedis, hasRealRedis } from '../../../../test/support/real-redis.js';
import { isAlive } from '../../src/embedded/folder-lock.js';
import { startRedis } from '../../src/testing/start-redis.js';
import { waitUntil } from '../../src/testing/wait-until.js';

/** A client that answers quickly or not at all. */
function connectTo(url: string, options: object = {}): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 20, ...options });
  client.on('error', () => undefined);
  return client;
}

describe('startRedis', () => {
  it('starts an empty server that a client can use', async () => {
    await using server = await startRedis();
    const client = connectTo(server.url);
    expect(await client.dbsize()).toBe(0);
    expect(await client.set('a', '1')).toBe('OK');
    expect(server.kind).toBe(hasRealRedis ? 'real' : 'embedded');
    hangUp(client);
  });

  it('demands its password, and has it in its url', async () => {
    await using server = await startRedis({ password: 'p@ss:w/rd' });
    const stranger = connectTo(`redis://${server.host}:${server.port}`, {
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    const friend = connectTo(server.url);
    await expect(stranger.get('a')).rejects.toThrow(/NOAUTH/);
    expect(await friend.ping()).toBe('PONG');
    hangUp(stranger);
    hangUp(friend);
  });

  it('has the same port and no data after kill and restart', async () => {
    await using server = await startRedis();
    const client = connectTo(server.url);
    await client.set('a', '1');
    await server.kill();
    expect(server.pid).toBeUndefined();
    await server.restart();
    await waitUntil('the client is back', async () => (await client.get('a')) === null);
    hangUp(client);
  });

  it('stops with clients connected, and may be stopped twice', async () => {
    const server = await startRedis();
    const client = connectTo(server.url, { retryStrategy: () => null });
    await client.ping();
    const closed = once(client, 'end');
    await Promise.all([server.stop(), server.stop()]);
    await closed;
    await server.stop();
    expect(server.pid).toBeUndefined();
  });

  it('uses different ports for two servers', async () => {
    await using one = await startRedis();
    await using other = await startRedis();
    expect(one.port).not.toBe(other.port);
  });
});

describeWithRealRedis('startRedis with a real server', () => {
  it('passes arguments to the server', async () => {
    await using server = await startRedis({
      args: ['--maxmemory', '3mb', '--loglevel', 'warning'],
    });
    const client = connectTo(server.url);
    expect(await client.config('GET', 'maxmemory')).toEqual(['maxmemory', String(3 * 1024 * 1024)]);
    hangUp(client);
  });

  it('throws the message of a server that cannot start', async () => {
    await expect(startRedis({ args: ['--no-such-option', '1'] })).rejects.toThrow(
      /did not start on port \d+: it exited[^]*no-such-option/,
    );
  });

  it('keeps data over a restart if asked to persist it', async () => {
    await using server = await startRedis({ args: ['--appendonly', 'yes'] });
    const client = connectTo(server.url);
    await client.set('a', '1');
    await server.kill();
    await server.restart();
    await waitUntil('the client is back', async () => (await client.get('a')) === '1');
    hangUp(client);
  });

  it('can be used while it is still loading its data', async () => {
    await using server = await startRedis({ args: ['--appendonly', 'yes'] });
    const client = connectTo(server.url);
    await client.eval("for i = 1, 2000 do redis.call('SET', i, 'x') end", 0);
    await client.config('REWRITE').catch(() => undefined); // there is no file to rewrite
    hangUp(client);
    await server.restart({ until: 'listening' });
    await waitUntil('it has loaded', async () => {
      const late = connectTo(server.url, { retryStrategy: () => null });
      const size = await late.dbsize().finally(() => hangUp(late));
      return size === 2000;
    });
  });

  it('freezes without closing connections, and thaws', async () => {
    await using server = await startRedis();
    const client = connectTo(server.url, { commandTimeout: 1_000 });
    await client.ping();
    server.freeze();
    await expect(client.ping()).rejects.toThrow('Command timed out');
    expect(client.status).toBe('ready');
    server.thaw();
    expect(await client.ping()).toBe('PONG');
    hangUp(client);
  });

  it('stops even if frozen', async () => {
    const server = await startRedis();
    server.freeze();
    await server.stop();
    expect(server.pid).toBeUndefined();
  });

  it('speaks TLS with a certificate that clients can verify', async () => {
    await using server = await startRedis({ tls: true });
    const client = connectTo(server.url, { tls: server.tls });
    expect(await client.ping()).toBe('PONG');
    const suspicious = connectTo(server.url, { retryStrategy: () => null });
    const [refusal] = (await once(suspicious, 'error')) as [Error];
    expect(refusal.message).toMatch(/certificate/);
    hangUp(client);
  });

  it('ends with the process that started it, even after SIGKILL', async () => {
    const { child, pid } = await startInChild(['startRedis']);
    const server = { pid: pid ?? 0 };
    expect(isAlive(server)).toBe(true);
    child.kill('SIGKILL');
    await waitUntil('the server is gone', () => !isAlive(server));
  });

  it('does not keep the process that started it alive', async () => {
    const { child, pid } = await startInChild(['startRedis']);
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
    await waitUntil('the server is gone', () => !isAlive({ pid: pid ?? 0 }));
  });
});
