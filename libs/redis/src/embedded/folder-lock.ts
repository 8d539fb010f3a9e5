import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { identify, isAlive, type ProcessIdentity } from './process-identity.js';

/** Who uses the folder: the application, and the server that it started there. */
type Holders = readonly ProcessIdentity[];

/** After a crashed application its server still writes down what it has before it leaves. */
const LEAVING_MS = 5_000;
const POLL_MS = 25;

/**
 * Keeps a second application out of a folder, by a file that names the processes that use it. The
 * file of processes that are gone is worth nothing.
 *
 * @internal
 */
export class FolderLock {
  private constructor(
    private readonly file: string,
    private readonly owner: ProcessIdentity,
  ) {}

  /** @returns the lock, or who holds it */
  static async acquire(folder: string): Promise<FolderLock | { readonly heldBy: number }> {
    const file = join(folder, 'lock.json');
    const owner = identify(process.pid);
    const deadline = Date.now() + LEAVING_MS;
    for (;;) {
      if (await create(file, [owner])) return new FolderLock(file, owner);
      const holders = await read(file);
      const [application] = holders;
      const alive = holders.find(isAlive);
      if (alive === undefined) await removeStale(file, holders);
      else if (alive === application || Date.now() > deadline) return { heldBy: alive.pid };
      else await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }

  async share(serverPid: number): Promise<void> {
    const next = `${this.file}.${randomUUID()}`;
    await writeFile(next, JSON.stringify([this.owner, identify(serverPid)]));
    await rename(next, this.file);
  }

  release(): Promise<void> {
    return rm(this.file, { force: true });
  }
}

/** Appears with its content or not at all, and only if there is none yet. */
async function create(file: string, holders: Holders): Promise<boolean> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, JSON.stringify(holders));
  try {
    await link(draft, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function read(file: string): Promise<Holders> {
  try {
    const content: unknown = JSON.parse(await readFile(file, 'utf8'));
    return Array.isArray(content) ? (content as Holders) : [];
  } catch {
    return []; // gone meanwhile, or not ours to understand
  }
}

/**
 * Two applications may find the same stale file. Whoever moves it away looks at what it moved: if
 * that is the new file of the other one, it is put back.
 */
async function removeStale(file: string, judged: Holders): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return; // the other one was quicker
  }
  const moved = await read(aside);
  if (JSON.stringify(moved) !== JSON.stringify(judged)) await rename(aside, file);
  await rm(aside, { force: true });
}
