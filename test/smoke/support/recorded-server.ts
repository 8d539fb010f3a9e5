import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A server program that writes down the id of every process that it becomes. */
export class RecordedServer {
  readonly program: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'smoke-server-'));
  readonly #record = join(this.#folder, 'pids');

  /** @param program the real server's path */
  constructor(program: string) {
    this.program = join(this.#folder, 'redis-server');
    writeFileSync(this.#record, '');
    const script = `#!/bin/sh\necho $$ >> '${this.#record}'\nexec '${program}' "$@"\n`;
    writeFileSync(this.program, script, { mode: 0o755 });
  }

  /** Process ids of those that still run. */
  running(): number[] {
    return readFileSync(this.#record, 'utf8').split('\n').filter(Boolean).map(Number).filter(runs);
  }

  /** Ends what a failed test left running. */
  remove(): void {
    for (const pid of this.running()) process.kill(pid, 'SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function runs(pid: number): boolean {
  try {
    process.kill(pid, 0); // sends nothing, asks whether it could
    return !isZombie(pid);
  } catch {
    return false;
  }
}

/** Ended, but its parent has not asked how: in a container the first process often never does. */
function isZombie(pid: number): boolean {
  const stat = `/proc/${pid}/stat`;
  return existsSync(stat) && readFileSync(stat, 'utf8').includes(' Z ');
}
