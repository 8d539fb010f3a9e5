import { spawn, type ChildProcess } from 'node:child_process';
import { withDeadline } from '../time/deadline.js';
import { holdOpen, watchOver } from './reaper.js';

export interface ServerCommand {
  /** Path of the server binary. */
  readonly binary: string;
  /** Makes the command line for a port; called again if another program uses the port. */
  readonly args: (port: number) => readonly string[];
  /** @default a free one from 10000 to 29990, below the range of ephemeral ports */
  readonly port?: number;
  /** Matches the log line that tells that the server is ready. @default those of Redis and Sentinel */
  readonly readyLine?: RegExp;
  /** Environment variables beside those of this process. @default none */
  readonly env?: Readonly<Record<string, string>>;
}

/** A server process that is ready for commands, on 127.0.0.1. */
export interface ServerProcess {
  readonly pid: number;
  readonly port: number;
  /** The command line of the process. */
  readonly args: readonly string[];
  /** Sends SIGTERM, and SIGKILL if the process still runs after `deadlineMs` (default 5000). */
  stop(deadlineMs?: number): Promise<void>;
  /** Sends SIGKILL; resolves when the process has ended. */
  kill(): Promise<void>;
  signal(name: NodeJS.Signals): void;
}

const READY = /Ready to accept connections|Sentinel ID is/;
const ADDRESS_IN_USE = 'Address already in use';
const START_DEADLINE_MS = 10_000;
const STOP_DEADLINE_MS = 5_000;
const ATTEMPTS = 20;
/** A fixed port is tried again, too: its previous owner may be about to exit. */
const RETRY_SAME_PORT_MS = 50;
const LOG_TAIL = 4_000;

/**
 * Starts a server process and waits until it is ready (9-20 ms without data). The server ends with this
 * process, however this one ends, and does not keep it alive.
 *
 * @throws Error with the end of the server's log if it does not become ready
 * @internal
 */
export async function startServerProcess(command: ServerCommand): Promise<ServerProcess> {
  for (let attempt = 1; ; attempt++) {
    const port = command.port ?? randomPort();
    const args = command.args(port);
    const child = new ServerChild(command.binary, args, command.env);
    const failure = await child.untilReady(command.readyLine ?? READY);
    if (failure === undefined) return child.asServer(port, args);
    if (attempt === ATTEMPTS || !failure.includes(ADDRESS_IN_USE)) {
      throw new Error(`${command.binary} did not start on port ${port}: ${failure}`);
    }
    if (command.port !== undefined) await sleep(RETRY_SAME_PORT_MS);
  }
}

export function randomPort(): number {
  return 10_000 + Math.floor(Math.random() * 19_991);
}

class ServerChild {
  private readonly child: ChildProcess;
  private readonly closed: Promise<void>;
  private log = '';
  private listener: (() => void) | undefined;

  constructor(binary: string, args: readonly string[], env: ServerCommand['env']) {
    this.child = spawn(binary, args, {
      detached: true, // Ctrl-C must reach only the application, which then stops the server
      env: { ...process.env, LC_ALL: 'C', ...env },
      // Nothing is written to its input: it tells a server that reads it when this process has ended.
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
    });
    const release = this.child.pid === undefined ? undefined : watchOver(this.child.pid);
    this.closed = new Promise((resolve) => {
      this.child.once('error', (error) => this.read(error.message));
      this.child.once('close', () => {
        release?.();
        resolve();
      });
    });
    // Its output must be read until it exits: a server whose pipe is full blocks.
    this.child.stdout?.on('data', (chunk: Buffer) => this.read(chunk.toString()));
    this.child.stderr?.on('data', (chunk: Buffer) => this.read(chunk.toString()));
  }

  /** @returns the reason why the server is not ready; `undefined` if it is */
  async untilReady(readyLine: RegExp): Promise<string | undefined> {
    const ready = new Promise<boolean>((resolve) => {
      this.listener = () => {
        if (readyLine.test(this.log)) resolve(true);
      };
    });
    const exited = this.closed.then(() => false);
    const outcome = await withDeadline<boolean | undefined>(
      Promise.race([ready, exited]),
      START_DEADLINE_MS,
      () => undefined,
    );
    this.listener = undefined;
    if (outcome === true) return undefined;
    await this.kill();
    const why = outcome === false ? 'it exited' : `not ready after ${START_DEADLINE_MS} ms`;
    return `${why}. Its last words:\n${this.log.trim()}`;
  }

  asServer(port: number, args: readonly string[]): ServerProcess {
    this.keepUsAlive(false);
    return {
      pid: this.child.pid ?? 0,
      port,
      args,
      stop: (deadlineMs = STOP_DEADLINE_MS) => this.stop(deadlineMs),
      kill: () => this.kill(),
      signal: (name) => void this.child.kill(name),
    };
  }

  private async stop(deadlineMs: number): Promise<void> {
    this.keepUsAlive(true);
    this.child.kill('SIGCONT'); // a frozen process does not handle SIGTERM
    this.child.kill('SIGTERM');
    const stopped = await withDeadline(
      this.closed.then(() => true),
      deadlineMs,
      () => false,
    );
    if (!stopped) await this.kill();
  }

  private async kill(): Promise<void> {
    this.keepUsAlive(true);
    this.child.kill('SIGKILL');
    await this.closed;
  }

  private read(text: string): void {
    this.log = (this.log + text).slice(-LOG_TAIL);
    this.listener?.();
  }

  private keepUsAlive(hold: boolean): void {
    if (hold) this.child.ref();
    else this.child.unref();
    holdOpen(this.child.stdin, hold);
    holdOpen(this.child.stdout, hold);
    holdOpen(this.child.stderr, hold);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
