import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import { connect } from 'node:net';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { Redis } from 'ioredis';
import { startInChild } from '../../../../test/support/child.js';
import { hangUp } from '../../../../test/support/hang-up.js';
import {
  INSTALL_EMBEDDED_SERVER,
  startEmbeddedServer,
} from '../../src/embedded/embedded-server.js';
import { isAlive } from '../../src/embedded/folder-lock.js';
import { EmbeddedTestServer } from '../../src/testing/embedded-test-server.js';
import { anyServerRequired } from '../../src/testing/find-redis-server.js';
import { startReplica } from '../../src/testing/start-replica.js';
import { waitUntil } from '../../src/testing/wait-until.js';

const clients: Redis[] = [];
const servers: EmbeddedTestServer[] = [];

afterEach(async () => {
  for (const client of clients.splice(0)) hangUp(client); // first, or ioredis waits for two seconds
  for (const server of servers.splice(0)) await server.stop();
});

async function start(password?: string): Promise<EmbeddedTestServer> {
  const server = await EmbeddedTestServer.start(password);
  servers.push(server);
  return server;
}

function connectTo(url: string, options: object = {}): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => 20, ...options });
  client.on('error', () => undefined);
  clients.push(client);
  return client;
}

describe('the embedded server', () => {
  it('is a process of its own, which runs Lua although Jest runs this test', async () => {
    const server = await start();
    expect(server.pid).not.toBe(process.pid);
    const client = connectTo(server.url);
    await client.set('a', '1', 'EX', 10);
    expect(await client.eval("return redis.call('GET', KEYS[1])", 1, 'a')).toBe('1');
  });

  it('listens on the loopback interface only', async () => {
    const server = await start();
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one?.internal === false && one.family === 'IPv4');
    for (const address of others) {
      const socket = connect({ port: server.port, host: address?.address });
      const [refusal] = (await once(socket, 'error')) as [NodeJS.ErrnoException];
      expect(refusal.code).toBe('ECONNREFUSED');
    }
  });

  it('has the same port, no data and its password after a restart', async () => {
    const server = await start('secret');
    const client = connectTo(server.url);
    await client.set('a', '1');
    await server.kill();
    expect(server.pid).toBeUndefined();
    await server.restart();
    await waitUntil('the client is back', async () => (await client.get('a')) === null);
    const stranger = connectTo(`redis://${server.host}:${server.port}`, {
      enableReadyCheck: false,
      retryStrategy: () => null,
    });
    await expect(stranger.get('a')).rejects.toThrow(/NOAUTH/);
  });

  it('freezes without closing connections, thaws, and stops even if frozen', async () => {
    const server = await start();
    const client = connectTo(server.url, { commandTimeout: 1_000 });
    await client.ping();
    server.freeze();
    await expect(client.ping()).rejects.toThrow('Command timed out');
    expect(client.status).toBe('ready');
    server.thaw();
    expect(await client.ping()).toBe('PONG');
    hangUp(client);
    server.freeze();
    await Promise.all([server.stop(), server.stop()]);
    expect(server.pid).toBeUndefined();
  });

  it('ends with the process that started it, even after SIGKILL', async () => {
    const { child, pid = 0 } = await startInChild(['startEmbedded']);
    expect(isAlive({ pid })).toBe(true);
    child.kill('SIGKILL');
    await waitUntil('the server is gone', () => !isAlive({ pid }));
  });

  it('does not keep the process that started it alive', async () => {
    const { child, pid = 0 } = await startInChild(['startEmbedded']);
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
    await waitUntil('the server is gone', () => !isAlive({ pid }));
  });

  it('is not touched by the options that the application gives to Node', async () => {
    const breaksServers = "if(process.execArgv.includes('--eval'))process.exit(3)";
    const env = { ...process.env, NODE_OPTIONS: `--import data:text/javascript,${breaksServers}` };
    const { child, url } = await startInChild(['startEmbedded'], env);
    const client = connectTo(url);
    expect(await client.ping()).toBe('PONG');
    hangUp(client);
    child.stdin?.end();
    await once(child, 'exit');
  });

  it('lacks topologies, and says how to get a real server', async () => {
    const server = await start();
    await expect(startReplica(server)).rejects.toThrow(
      /startReplica\(\) needs a real Redis server on this machine\. .*apt-get install -y redis/,
    );
  });
});

describe('the package of the embedded server', () => {
  const [node = '', script = ''] = process.argv;
  afterEach(() => {
    jest.restoreAllMocks();
    process.argv.splice(0, 2, node, script);
  });

  /** As if the application ran in `cwd`, with the main script `main`. */
  function applicationIn(cwd: string, main: string): void {
    jest.spyOn(process, 'cwd').mockReturnValue(cwd);
    process.argv.splice(0, 2, node, main);
  }

  it('is found beside the main script of an application that was started from elsewhere', async () => {
    applicationIn('/', `${process.cwd()}/dist/main.js`);
    const server = await startEmbeddedServer();
    expect(isAlive(server)).toBe(true);
    await server.kill();
    expect(isAlive(server)).toBe(false);
  });

  it('is named by one message that says what to do if it is not installed', async () => {
    applicationIn('/', '/dist/main.js');
    const why = await startEmbeddedServer().then(
      () => 'started',
      (error: unknown) => (error as Error).message,
    );
    expect(why).toBe(
      'the embedded server cannot be used: the package js-redis-server is not installed',
    );
    const { message } = await anyServerRequired('startRedis()', why);
    for (const words of [
      'startRedis() needs a Redis server on this machine',
      'js-redis-server is not installed',
      'sudo apt-get install -y redis-server',
      'brew install valkey',
      INSTALL_EMBEDDED_SERVER,
    ]) {
      expect(message).toContain(words);
    }
  });

  it('is accepted in the version that the message tells to install', () => {
    const { version } = jest.requireActual<{ version: string }>(
      `${process.cwd()}/node_modules/js-redis-server/package.json`,
    );
    expect(INSTALL_EMBEDDED_SERVER).toContain(`js-redis-server@${version}`);
  });
});
