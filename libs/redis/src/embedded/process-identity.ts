import { readFileSync } from 'node:fs';

/** A process, told apart from a later one that was given the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it started, in the kernel's own count; absent where there is no `/proc`. */
  readonly started?: string;
}

/** @internal */
export function identify(pid: number): ProcessIdentity {
  const started = readStat(pid)?.started;
  return started === undefined ? { pid } : { pid, started };
}

/**
 * Whether the process still runs. A zombie does not: in containers nobody may ever collect it.
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

/** See proc_pid_stat(5). The name, in parentheses, may hold anything; fields are counted after it. */
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
    return (error as NodeJS.ErrnoException).code === 'EPERM'; // alive, but somebody else's
  }
}
