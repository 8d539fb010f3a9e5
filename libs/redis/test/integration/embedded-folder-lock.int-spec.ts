import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { FolderLock, identify, isAlive } from '../../src/embedded/folder-lock.js';
import { startServerProcess } from '../../src/embedded/server-process.js';

/** No system gives a process this number. */
const NO_PROCESS = { pid: 2 ** 30 };

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-lock-'));
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function leaveBehind(content: unknown): Promise<void> {
  const text = typeof content === 'string' ? content : JSON.stringify(content);
  return writeFile(join(folder, 'lock.json'), text);
}

describe('FolderLock', () => {
  it('is held by one owner at a time, and leaves no file behind', async () => {
    const attempts = await Promise.all(
      Array.from({ length: 20 }, () => FolderLock.acquire(folder)),
    );
    const locks = attempts.filter((attempt) => attempt instanceof FolderLock);
    expect(locks).toHaveLength(1);
    expect(await FolderLock.acquire(folder)).toEqual({ heldBy: process.pid });
    await locks[0]?.share(process.pid);
    await locks[0]?.release();
    expect(await readdir(folder)).toEqual([]);
  });

  it.each([
    ['processes that are gone', [NO_PROCESS, NO_PROCESS]],
    [
      'a process whose number belongs to a later process',
      [{ ...identify(process.pid), started: '1' }],
    ],
    ['a text that is no lock', 'garbage'],
    ['a JSON object that is no lock', { pid: 1 }],
  ])('takes over from %s', async (_, content) => {
    await leaveBehind(content);
    expect(await FolderLock.acquire(folder)).toBeInstanceOf(FolderLock);
    expect(await readdir(folder)).toEqual(['lock.json']);
  });

  it('waits for the server of an application that has ended, then gives up', async () => {
    await leaveBehind([NO_PROCESS, identify(process.pid)]);
    expect(await FolderLock.acquire(folder)).toEqual({ heldBy: process.pid });
  });
});

describe('isAlive', () => {
  it('is true for this process, and false for one that does not exist', () => {
    expect([isAlive({ pid: process.pid }), isAlive(NO_PROCESS)]).toEqual([true, false]);
  });
});

describeWithRealRedis('startServerProcess', () => {
  const binary = process.env['REDIS_SERVER_BIN'] ?? '';
  const args = (port: number): string[] => ['--port', String(port), '--save', '', '--dir', folder];

  it('waits for a port whose owner is about to exit', async () => {
    const first = await startServerProcess({ binary, args });
    const second = startServerProcess({ binary, args, port: first.port });
    await first.stop();
    const server = await second;
    expect(server.port).toBe(first.port);
    await server.kill();
  });

  it('throws an error with the reason if the program cannot be run', async () => {
    const command = { binary: join(folder, 'missing'), args };
    await expect(startServerProcess(command)).rejects.toThrow(/did not start .*[^]*ENOENT/);
  });
});
