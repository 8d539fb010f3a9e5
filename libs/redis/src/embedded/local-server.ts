import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerBinary } from './find-server-binary.js';
import { FolderLock } from './folder-lock.js';
import { startServerProcess } from './server-process.js';

export interface LocalServer {
  readonly port: number;
  readonly description: string;
  stop(): Promise<void>;
}

/** Long enough to write the data of a development machine to the disk. */
const STOP_DEADLINE_MS = 10_000;

/**
 * Runs the machine's own Redis for development: on loopback only, without a password, in protected mode.
 * Each version has its own folder, because an older server refuses the files of a newer one. Each write is
 * handed to the operating system at once and written to the disk every second, so a killed application
 * loses no acknowledged write.
 *
 * @throws Error with the server's own words if it does not start
 * @internal
 */
export async function startLocalServer(
  binary: ServerBinary,
  dataDirectory: string,
): Promise<LocalServer> {
  const [major, minor] = binary.version.split('.');
  const folder = await openDataFolder(
    join(dataDirectory, `${binary.flavour}-${major}.${minor ?? '0'}`),
  );
  try {
    const server = await startServerProcess({
      binary: binary.path,
      args: (port) => [
        ...['--bind', '127.0.0.1', '--port', String(port), '--protected-mode', 'yes'],
        ...['--dir', folder.path, '--save', '', '--appendonly', 'yes'],
        ...['--appendfsync', 'everysec', '--loglevel', 'notice'],
      ],
    });
    await folder.usedBy(server.pid).catch(async (error: unknown) => {
      await server.stop(STOP_DEADLINE_MS); // a running server needs its folder locked
      throw error;
    });
    return {
      port: server.port,
      description: `${binary.flavour} ${binary.version} (${binary.path}), ${folder.description}`,
      async stop() {
        await server.stop(STOP_DEADLINE_MS);
        await folder.release();
      },
    };
  } catch (error) {
    await folder.release();
    throw error;
  }
}

/** The folder in which a development server keeps its data. */
interface DataFolder {
  readonly path: string;
  /** For the log: whether the data is kept, and if not, why. */
  readonly description: string;
  /** Must be called as soon as the server runs: the folder stays locked until the server has exited. */
  usedBy(serverPid: number): Promise<void>;
  /** Must be called after the server has exited. */
  release(): Promise<void>;
}

/**
 * Locks `wanted` for one server and makes it readable only by its owner. Two servers in one folder would
 * destroy its data, so if another application holds the folder, or it cannot be written, the data goes to
 * a temporary folder.
 */
async function openDataFolder(wanted: string): Promise<DataFolder> {
  try {
    await mkdir(wanted, { recursive: true, mode: 0o700 });
    await chmod(wanted, 0o700);
    const lock = await FolderLock.acquire(wanted);
    if (!(lock instanceof FolderLock)) {
      return await openTemporaryFolder(`${wanted} is in use by process ${lock.heldBy}`);
    }
    return {
      path: wanted,
      description: `data kept in ${wanted}`,
      usedBy: (serverPid) => lock.share(serverPid),
      release: () => lock.release(),
    };
  } catch (error) {
    return openTemporaryFolder((error as Error).message);
  }
}

async function openTemporaryFolder(why: string): Promise<DataFolder> {
  const path = await mkdtemp(join(tmpdir(), 'nestjs-redis-data-')); // created with mode 0700
  return {
    path,
    description: `data in a temporary folder and gone at exit, because ${why}`,
    usedBy: () => Promise.resolve(),
    release: () => rm(path, { recursive: true, force: true }),
  };
}
