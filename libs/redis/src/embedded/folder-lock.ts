import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The processes that use the folder: the application, and the server that it started there. */
type Holders = readonly ProcessIdentity[];

/** After an application has crashed, its server still writes its data to the disk before it exits. */
const LEAVING_MS = 5_000;
const POLL_MS = 25;

/**
 * Keeps a second application out of a folder. A file names the processes that use the folder; once none of
 * them runs any more, the file counts as absent.
 *
 * @internal
 */
export class FolderLock {
  private constructor(
    private readonly file: string,
    private readonly owner: ProcessIdentity,
  ) {}

  /** @returns the lock, or the process that holds it */
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

  /** Makes the server a holder of the lock, too. */
  async share(serverPid: number): Promise<void> {
    const next = `${this.file}.${randomUUID()}`;
    await writeFile(next, JSON.stringify([this.owner, identify(serverPid)]));
    await rename(next, this.file);
  }

  release(): Promise<void> {
    return rm(this.file, { force: true });
  }
}

/** Creates the file with its whole content in one step, unless there is one. */
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
    return []; // removed meanwhile, or not written by this library
  }
}

/**
 * Removes a file that another application may find stale at the same time, and replace. The file is
 * therefore moved first; if the moved file is the new one of the other application, it is moved back.
 */
async function removeStale(file: string, judged: Holders): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch {
    return; // the other application was faster
  }
  const moved = await read(aside);
  if (JSON.stringify(moved) !== JSON.stringify(judged)) await rename(aside, file);
  await rm(aside, { force: true });
}

/** Identifies a process, also after its number has been given to a later one. */
interface ProcessIdentity {
  readonly pid: number;
  /** When the process started, in ticks of the kernel's clock; absent where there is no `/proc`. */
  readonly started?: string;
}

/** @internal */
export function identify(pid: number): ProcessIdentity {
  const started = readStat(pid)?.started;
  return started === undefined ? { pid } : { pid, started };
}

/**
 * Tells whether the process still runs. A zombie does not: in a container its parent may never collect it.
 *
 * @internal
 */
export function isAlive({ pid, started }: ProcessIdentity): boolean {
  const stat = readStat(pid);
  if (stat !== undefined) {
    return stat.state !== 'Z' && (started === undefined || stat.started === started);
  }
  return started === undefined && respondsToSignals(pid);
}

/** Reads proc_pid_stat(5). The name, in parentheses, may contain anything, so fields are counted after it. */
function readStat(pid: number): { state: string; started: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, started] = [fields[0], fields[19]];
    return state === undefined || started === undefined ? undefined : { state, started };
  } catch {
    return undefined;
  }
}

function respondsToSignals(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // it runs, as another user
  }
}
