import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startInChild } from '../../../../test/support/child.js';
import { hangUp } from '../../../../test/support/hang-up.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import {
  INSTALL_EMBEDDED_SERVER,
  startEmbeddedServer,
} from '../../src/embedded/embedded-server.js';
import { isAlive } from '../../src/embedded/folder-lock.js';
import { resolveOn, resolveRedis, type Machine } from '../../src/embedded/resolve-redis.js';
import { waitUntil } from '../../src/testing/wait-until.js';

/** A machine without any server program. */
const BARE: Machine = { usualFolders: [], startEmbedded: startEmbeddedServer };
const NOT_INSTALLED: Machine = {
  usualFolders: [],
  startEmbedded: () => Promise.reject(new Error('the package js-redis-server is not installed')),
};
const REMEDIES = [
  'sudo apt-get install -y redis-server',
  'brew install valkey',
  INSTALL_EMBEDDED_SERVER,
  'docker run -d -p 127.0.0.1:6379:6379 redis',
];

let folder: string;
const clients: Redis[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'resolve-redis-'));
});

afterEach(async () => {
  for (const client of clients.splice(0)) hangUp(client);
  await rm(folder, { recursive: true, force: true });
});

function connectTo(redis: { url: string | undefined }): Redis {
  const client = new Redis(redis.url ?? '', { retryStrategy: () => null });
  clients.push(client);
  return client;
}

async function program(name: string, script: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

describe('resolveRedis without a server program', () => {
  it('starts the embedded server and says that its data will be gone', async () => {
    const redis = await resolveOn(BARE, {}, {});
    expect(redis.source).toBe('embedded');
    expect(redis.url).toMatch(/^redis:\/\/127\.0\.0\.1:\d+$/);
    expect(redis.description).toMatch(/embedded server, whose data is gone at exit, because/);
    const client = connectTo(redis);
    await client.set('a', '1', 'EX', 10);
    expect(await client.eval("return redis.call('GET', KEYS[1])", 1, 'a')).toBe('1');
    const closed = once(client, 'end');
    await Promise.all([redis.stop(), redis.stop(), closed]);
  });

  it('names every remedy and all attempts if js-redis-server is not installed either', async () => {
    const failure = await resolveOn(NOT_INSTALLED, {}, {}).catch((error: unknown) => error);
    expect(failure).toMatchObject({ name: 'RedisConfigurationException' });
    for (const remedy of [...REMEDIES, 'no valkey-server or redis-server', 'is not installed']) {
      expect(String(failure)).toContain(remedy);
    }
  });

  it('skips a program for another machine and says so', async () => {
    const corrupt = await program('redis-server', 'echo "wrong ELF class" >&2; exit 126');
    const impostor = await program('valkey-server', 'echo "hello"');
    const redis = await resolveOn(BARE, { PATH: folder }, {});
    expect(redis.source).toBe('embedded');
    expect(redis.description).toContain(`${corrupt} could not be run (wrong ELF class)`);
    expect(redis.description).toContain(`${impostor} did not answer --version like`);
    await redis.stop();
  });

  it('skips a server that is too old or does not start, and says so', async () => {
    const old = await program('valkey-server', 'echo "Redis server v=5.0.7 sha=0:0"');
    const broken = await program(
      'redis-server',
      '[ "$1" = --version ] && echo "Redis server v=7.2.0 sha=0:0" || { echo "no luck"; exit 1; }',
    );
    const redis = await resolveOn(BARE, { PATH: folder }, { dataDirectory: folder });
    expect(redis.description).toContain(`${old} is version 5.0.7, older than 6.0`);
    expect(redis.description).toMatch(new RegExp(`${broken} did not start .*[^]*no luck`));
    await redis.stop();
  });

  it('does not search further when REDIS_SERVER_BIN does not work', async () => {
    const broken = await program(
      'redis-server',
      '[ "$1" = --version ] && echo "Redis server v=7.2.0 sha=0:0" || { echo "no luck"; exit 1; }',
    );
    for (const [path, why] of [
      ['/no/such/file', /REDIS_SERVER_BIN=\/no\/such\/file: .*ENOENT/],
      [broken, /REDIS_SERVER_BIN=.*redis-server: .*no luck/s],
    ] as const) {
      const env = { REDIS_SERVER_BIN: path };
      await expect(resolveOn(BARE, env, { dataDirectory: folder })).rejects.toThrow(why);
    }
  });

  it('does not keep the process alive', async () => {
    const env = { ...process.env, PATH: '', REDIS_SERVER_BIN: '' };
    const { child } = await startInChild(['resolveRedis', folder], env);
    child.stdin?.end();
    expect(await once(child, 'exit')).toEqual([0, null]);
  });
});

describeWithRealRedis('resolveRedis with a server program', () => {
  const env = { REDIS_SERVER_BIN: process.env['REDIS_SERVER_BIN'] };

  it('starts it on loopback only, without a password, in a folder of its own version', async () => {
    const redis = await resolveRedis(env, { dataDirectory: folder });
    expect(redis.source).toBe('server');
    const client = connectTo(redis);
    expect(await client.config('GET', 'bind')).toEqual(['bind', '127.0.0.1']);
    expect(await client.config('GET', 'protected-mode')).toEqual(['protected-mode', 'yes']);
    const [name = ''] = await readdir(folder);
    expect(name).toMatch(/^(redis|valkey)-\d+\.\d+$/);
    expect((await stat(join(folder, name))).mode & 0o777).toBe(0o700);
    expect(redis.description).toContain(`data kept in ${join(folder, name)}`);
    await Promise.all([redis.stop(), redis.stop()]);
  });

  it('finds the program on the PATH of the environment that was passed in', async () => {
    const real = process.env['REDIS_SERVER_BIN'] ?? '';
    await program('valkey-server', `exec ${real} "$@"`);
    const redis = await resolveOn(BARE, { PATH: folder }, { dataDirectory: folder });
    expect(redis.description).toContain(join(folder, 'valkey-server'));
    await redis.stop();
  });

  it('keeps the data until the next start', async () => {
    const first = await resolveRedis(env, { dataDirectory: folder });
    await connectTo(first).set('a', '1');
    await first.stop();
    const second = await resolveRedis(env, { dataDirectory: folder });
    expect(await connectTo(second).get('a')).toBe('1');
    await second.stop();
  });

  it('keeps the data when the application and then its server are killed', async () => {
    const { child, url } = await startInChild(['resolveRedis', folder]);
    const client = connectTo({ url });
    await client.set('a', '1');
    const serverPid = await pidOf(client);
    child.kill('SIGKILL');
    const second = await resolveRedis(env, { dataDirectory: folder });
    expect(isAlive({ pid: serverPid })).toBe(false); // the second application has waited for its end
    expect(second.description).toContain('data kept in');
    expect(await connectTo(second).get('a')).toBe('1');
    await second.stop();
  });

  it('keeps a second application out of the folder while the first one lives', async () => {
    const first = await resolveRedis(env, { dataDirectory: folder });
    const second = await resolveRedis(env, { dataDirectory: folder });
    expect(second.description).toMatch(
      /temporary folder and gone at exit, because .* is in use by/,
    );
    await connectTo(first).set('a', '1');
    expect(await connectTo(second).get('a')).toBeNull();
    await Promise.all([first.stop(), second.stop()]);
    const third = await resolveRedis(env, { dataDirectory: folder });
    expect(third.description).toContain('data kept in');
    await third.stop();
  });

  it('uses a temporary folder if it cannot write to the folder for data', async () => {
    const file = await program('not-a-folder', '');
    const redis = await resolveRedis(env, { dataDirectory: file });
    expect(redis.description).toMatch(/temporary folder .* because (ENOTDIR|EEXIST)/);
    expect(await connectTo(redis).ping()).toBe('PONG');
    await redis.stop();
  });

  it('leaves no process behind when the application is killed', async () => {
    const { child, url } = await startInChild(['resolveRedis', folder]);
    const pid = await pidOf(connectTo({ url }));
    child.kill('SIGKILL');
    await waitUntil('the server is gone', () => !isAlive({ pid }));
  });
});

async function pidOf(client: Redis): Promise<number> {
  return Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
}
