import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Writable } from 'node:stream';

/**
 * Reads `+ pid` and `- pid` lines. Its input ends when we close it, or when this process dies in any way.
 * Then the script ends all processes on its list: with SIGTERM (and SIGCONT for a frozen one), and after
 * five seconds with SIGKILL.
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

/** One reaper watches all servers of this process, and runs only while there is one. */
let reaper: Reaper | undefined;
const watched = new Set<number>();

/**
 * Ends another process when this one ends, even if this one is killed with SIGKILL and cannot clean up.
 * Does not keep this process alive. Does nothing without a `/bin/sh`.
 *
 * @returns a function that ends the watch, to be called when the other process has exited
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
    cwd: '/', // a working directory in use may prevent its removal
    detached: true, // the reaper must survive Ctrl-C, which reaches the whole foreground group
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
  // Without a shell, or after the reaper was killed, an orderly exit still stops the servers.
}

/** Sets whether a pipe keeps this process alive. Node's pipes are sockets, although their type hides it. */
export function holdOpen(pipe: unknown, hold: boolean): void {
  const socket = pipe as { ref?: () => void; unref?: () => void } | null | undefined;
  if (hold) socket?.ref?.();
  else socket?.unref?.();
}
