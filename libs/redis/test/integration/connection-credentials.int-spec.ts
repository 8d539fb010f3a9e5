import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startCluster, startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import type { RedisCredentials } from '../../src/connection/options/credentials.js';
import type { RedisModuleOptions } from '../../src/connection/options/options.js';
import { translateError } from '../../src/connection/driver/failures/translate-error.js';
import { sendCommand } from '../../src/testing/redis-command.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import { caught } from './support/caught.js';
import { openConnection } from './support/open-connection.js';

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
async function connect(options: RedisModuleOptions) {
  const connection = await openConnection(options);
  cleanups.push(connection.close);
  return connection;
}

describeWithRealRedis('a Unix socket', () => {
  let folder: string;
  let path: string;
  let server: RedisTestServer;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'redis-socket-'));
    path = join(folder, 'my redis.sock');
    server = await startRedis({ password: 'p@ss', args: ['--unixsocket', path] });
  });
  afterAll(async () => {
    await server.stop();
    rmSync(folder, { recursive: true });
  });

  it('has its path in the event of a replaced connection', async () => {
    const { client, events } = await connect({ path, password: 'p@ss' });
    await client.ping();
    await sendCommand(server, 'REPLICAOF', '127.0.0.1', '1');
    await caught(client.set('k', 'refused'));
    await sendCommand(server, 'REPLICAOF', 'NO', 'ONE');
    expect(events.find(({ type }) => type === 'connection.replaced')).toMatchObject({
      endpoint: path,
    });
  });

  it('is reached by URL and by path, also by dedicated connections', async () => {
    const url = `unix://:p%40ss@${encodeURI(path)}?db=2`;
    const { client, pool } = await connect({ url });
    await client.set('k', 'in 2');
    expect(await pool.use((dedicated) => dedicated.get('k'))).toBe('in 2');
    const other = await connect({ path, password: 'p@ss', db: 2 });
    expect(await other.client.get('k')).toBe('in 2');
  });

  it('has its path in the error if it does not exist', async () => {
    const nowhere = join(folder, 'nowhere.sock');
    const error = await caught(openConnection({ path: nowhere, startupTimeout: '200ms' }));
    expect(error).toMatchObject({ name: 'RedisConnectionException', host: nowhere, port: 0 });
    expect(error.message).toContain(`No connection to Redis at ${nowhere} (ENOENT)`);
  });
});

describeWithRealRedis('credentials from a function', () => {
  let server: RedisTestServer;
  let admin: Redis;
  beforeAll(async () => {
    server = await startRedis({ password: 'admin', args: [] });
    admin = new Redis(server.url);
    for (const name of ['one', 'two']) {
      await admin.call('ACL', 'SETUSER', name, 'on', `>${name}`, '~*', '&*', '+@all');
    }
  });
  afterAll(async () => {
    admin.disconnect();
    await server.stop();
  });
  const target = () => ({ host: server.host, port: server.port });
  const whoAmI = (client: { call(command: string, arg: string): Promise<unknown> }) =>
    client.call('ACL', 'WHOAMI');

  it('are requested at each attempt to connect', async () => {
    const answers: RedisCredentials[] = [{ username: 'one', password: 'one' }];
    const { client, pool, until } = await connect({
      ...target(),
      credentials: async () => answers.at(-1) ?? { password: '' },
    });
    expect(await whoAmI(client)).toBe('one');
    answers.push({ username: 'two', password: 'two' });
    await admin.call('CLIENT', 'KILL', 'USER', 'one');
    await until('connection.ready', 2);
    expect(await whoAmI(client)).toBe('two');
    expect(await pool.use(whoAmI)).toBe('two');
    answers.push({ password: 'admin' });
    const duplicate: Redis = (client as Redis).duplicate();
    cleanups.push(() => duplicate.quit());
    expect(await whoAmI(duplicate)).toBe('default');
  });

  it('are renewed on open connections before they expire, without an effect on transactions', async () => {
    let user = 'one';
    const { client, pool, events, telemetry } = await connect({
      ...target(),
      credentials: () => ({
        username: user,
        password: user,
        expiresAt: new Date(Date.now() + 1_200),
      }),
    });
    const released: boolean[] = [];
    telemetry.subscribe({ 'pool.release': ({ reused }) => released.push(reused) });
    await pool.use(async (dedicated) => {
      await dedicated.multi({ pipeline: false });
      user = 'two';
      await waitUntil('the shared connection is renewed', async () => {
        return (await whoAmI(client)) === 'two';
      });
      const inside = dedicated.call('ACL', 'WHOAMI');
      await inside;
      expect(await (dedicated as Redis).exec()).toEqual([[null, 'one']]);
      await waitUntil('the dedicated connection is renewed after its transaction', async () => {
        return (await whoAmI(dedicated)) === 'two';
      });
    });
    expect(events).toHaveLength(1); // never lost
    await waitUntil('it is given back', async () => released.length > 0);
    expect(released).toEqual([true]); // good for the next caller
  });

  it('are requested again when the function fails, and the function gets the reason', async () => {
    const failures = [new Error('the vault is sealed: hvs.secret'), undefined];
    const { client, events } = await connect({
      ...target(),
      startup: 'wait',
      credentials: async () => {
        const failure = failures.shift();
        if (failure) throw failure;
        return failures.length === 0 ? { username: 'one', password: 'one' } : ({} as never);
      },
    });
    expect(await client.ping()).toBe('PONG');
    const [down] = events;
    expect(down).toMatchObject({
      type: 'connection.down',
      error: { message: 'credentials() failed with Error' },
    });
  });

  it('may take no longer than a connection attempt', async () => {
    const opening = openConnection({
      ...target(),
      connectTimeout: '50ms',
      startupTimeout: '400ms',
      credentials: () => new Promise(() => undefined),
    });
    const error = await caught(opening);
    expect(error.message).toContain('credentials() gave no answer within 50 ms');
  });

  it('do not delay the end of a connection that is closed meanwhile', async () => {
    let asked = (): void => undefined;
    const isAsked = new Promise<void>((resolve) => (asked = resolve));
    const connection = await openConnection({
      ...target(),
      startup: 'background',
      credentials: () => {
        asked();
        return new Promise(() => undefined);
      },
    });
    await isAsked;
    const waiting = caught(connection.client.get('k'));
    await connection.close();
    expect(connection.client.status).toBe('end');
    expect(translateError(await waiting)?.name).toBe('RedisConnectionException');
  });

  it.each(['wait', 'require'] as const)(
    "fail the boot at once if refused and '%s'",
    async (startup) => {
      const error = await caught(
        openConnection({
          ...target(),
          startup,
          startupTimeout: '20s',
          credentials: async () => ({ username: 'one', password: 'wrong' }),
        }),
      );
      expect(error.name).toBe('RedisAuthenticationException');
    },
  );
});

describeWithRealRedis('credentials from a function for a cluster', () => {
  it('are used and renewed on each node, also for dedicated connections and subscribers', async () => {
    const cluster = await startCluster({ replicas: false, password: 'admin' });
    cleanups.push(() => cluster.stop());
    const admins = cluster.nodes.map(({ url }) => new Redis(url));
    for (const admin of admins) {
      for (const name of ['one', 'two']) {
        await admin.call('ACL', 'SETUSER', name, 'on', `>${name}`, '~*', '&*', '+@all');
      }
    }
    let user = 'one';
    const { client, pool } = await connect({
      clusterNodes: cluster.nodes.slice(0, 1),
      credentials: async () => ({
        username: user,
        password: user,
        expiresAt: new Date(Date.now() + 1_200),
      }),
    });
    const keys = Array.from({ length: 30 }, (_, i) => `key:${i}`);
    await Promise.all(keys.map((key) => client.set(key, key)));
    expect(await pool.use((dedicated) => dedicated.get('key:1'))).toBe('key:1');
    await client.subscribe('channel');
    user = 'two';
    for (const admin of admins) {
      await waitUntil('the connections to each node are renewed', async () => {
        const list = String(await admin.client('LIST'));
        return list.includes(' user=two ') && !/cmd=(?!subscribe)\S+ user=one /.test(list);
      });
      admin.disconnect();
    }
    expect(await Promise.all(keys.map((key) => client.get(key)))).toEqual(keys);
  });
});

describe('credentials', () => {
  it('are not printed with the client', async () => {
    const { client } = await connect({
      startup: 'background',
      host: '127.0.0.1',
      port: 1,
      credentials: () => ({ password: 'hunter2' }),
    });
    await caught(client.ping());
    expect(JSON.stringify(client.options)).not.toContain('hunter2');
  });
});
