import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FolderLock } from './folder-lock.js';

/** Where a development server keeps its data. */
export interface DataFolder {
  readonly path: string;
  /** For people: whether the data is kept, and if not, why. */
  readonly description: string;
  /** Tell it as soon as the server runs, so that nobody takes the folder before it has left. */
  usedBy(serverPid: number): Promise<void>;
  /** Call it when the server is gone. */
  release(): Promise<void>;
}

/**
 * Takes `wanted` for one server, readable only by its owner. Two servers in one folder would destroy
 * its data, so if another application holds it, or it cannot be written, the data goes to a
 * temporary folder.
 *
 * @internal
 */
export async function openDataFolder(wanted: string): Promise<DataFolder> {
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
  const path = await mkdtemp(join(tmpdir(), 'nestjs-redis-data-')); // mode 0700 by itself
  return {
    path,
    description: `data in a temporary folder and gone at exit, because ${why}`,
    usedBy: () => Promise.resolve(),
    release: () => rm(path, { recursive: true, force: true }),
  };
}
