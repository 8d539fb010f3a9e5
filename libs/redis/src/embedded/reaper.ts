import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Reads `+ pid` and `- pid` lines. When its input ends, because we closed it or because this process
 * died in any way at all, it ends what is still on the list: politely first (which also wakes a frozen
 * process), after five seconds by force.
 */
const REAPER_SCRIPT = `
pids=
while read -r operation pid; do
  if [ "$operation" = + ]; then pids="$pids $pid"; continue; fi
  others=
  for known in $pids; do [ "$known" = "$pid" ] || others="$others $known"; done
  pids=$others
done
[ -n "$pids" ] || exit 0
kill -CONT $pids; kill -TERM $pids
tenths=0
while [ $tenths -lt 50 ]; do
  alive=
  for known in $pids; do kill -0 $known && alive=$known; done
  [ -n "$alive" ] || exit 0
  sleep 0.1; tenths=$((tenths + 1))
done
kill -KILL $pids
`;

type Reaper = ChildProcessByStdio<Writable, null, null>;

/** One reaper watches all servers of this process, and lives only while there are any. */
let reaper: Reaper | undefined;
const watched = new Set<number>();

/**
 * Makes sure that a process does not outlive this one, even if this one is killed with SIGKILL and
 * cannot clean up. Does not keep this process alive. Where there is no `/bin/sh` it does nothing.
 *
 * @returns ends the watch; call it when the process has exited
 * @internal
 */
export function watchOver(pid: number): () => void {
  reaper ??= startReaper();
  watched.add(pid);
  reaper.stdin.write(`+ ${pid}\n`);
  return () => {
    if (!watched.delete(pid)) return;
    reaper?.stdin.write(`- ${pid}\n`);
    if (watched.size === 0) stopReaper();
  };
}

function startReaper(): Reaper {
  const child = spawn('/bin/sh', ['-c', REAPER_SCRIPT, 'redis-reaper'], {
    cwd: '/', // it must not hold a folder that somebody wants to delete
    detached: true, // Ctrl-C reaches the whole foreground group; the reaper must survive it
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', ignore);
  child.stdin.on('error', ignore);
  child.unref();
  holdOpen(child.stdin, false);
  return child;
}

function stopReaper(): void {
  reaper?.stdin.end();
  reaper = undefined;
}

function ignore(): void {
  // Without a shell, or with a reaper killed by hand, servers are still stopped on an orderly exit.
}

/** Whether a pipe keeps this process alive. Pipes are sockets here, though their type does not say so. */
export function holdOpen(pipe: unknown, hold: boolean): void {
  const socket = pipe as { ref?: () => void; unref?: () => void } | null | undefined;
  if (hold) socket?.ref?.();
  else socket?.unref?.();
}
