/**
 * Runs PostgreSQL for tests: on a free loopback port, with its files in a temporary folder. Data survives a
 * kill of the server, and is deleted with the test process.
 */
import { execFileSync, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { chmod, chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { holdOpen, watchOver } from '../../libs/redis/src/embedded/reaper.js';
import {
  startServerProcess,
  type ServerProcess,
} from '../../libs/redis/src/embedded/server-process.js';
import {
  generateTlsMaterial,
  type TlsMaterial,
} from '../../libs/redis/src/testing/tls-material.js';

/** A PostgreSQL server that belongs to a test. It dies with the test process, however that one dies. */
export interface PostgresTestServer extends AsyncDisposable {
  /** Always `127.0.0.1`. */
  readonly host: string;
  /** Stays the same across `restart()`. */
  readonly port: number;
  /** `postgres://postgres:<password>@127.0.0.1:<port>/postgres` */
  readonly url: string;
  /** Certificates of a client, if the server was asked for TLS. */
  readonly tls: TlsMaterial | undefined;
  /** The server's process; `undefined` while it is down. */
  readonly pid: number | undefined;
  /** Ends it and all that serve its connections like a power cut: SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again, after stopping it if need be, on the same port with the same files. */
  restart(): Promise<void>;
  /** SIGSTOP to it and all that serve its connections: they stay open and nothing answers. */
  freeze(): void;
  /** SIGCONT: undoes `freeze()`. */
  thaw(): void;
  /** Ends it for good and removes its files. May be called twice. */
  stop(): Promise<void>;
}

export interface StartPostgresOptions {
  /** Settings of the server, such as `{ max_connections: '5' }`. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Speak TLS with those who ask for it. @default false */
  readonly tls?: boolean;
}

const HOST = '127.0.0.1';
const USER = 'postgres';
const PASSWORD = 'correct-horse';

/** PostgreSQL refuses to run as root; this user exists on every Unix, and owns nothing. */
const NOBODY = { uid: 65_534, gid: 65_534 };
const isRoot = process.getuid?.() === 0;

const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: HOST,
  unix_socket_directories: '',
  // Committed data survives a kill; it need not survive a power cut of this machine.
  fsync: 'off',
  full_page_writes: 'off',
  shared_buffers: '16MB',
};

/** Starts an empty PostgreSQL; it takes most of a second. */
export async function startPostgres(
  options: StartPostgresOptions = {},
): Promise<PostgresTestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'postgres-'));
  removeAtExit(folder);
  try {
    const server = new RealPostgres(folder, options.tls ? generateTlsMaterial() : undefined);
    await server.initialize();
    await server.start({ ...SETTINGS, ...options.settings });
    return server;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

class RealPostgres implements PostgresTestServer {
  readonly host = HOST;
  private readonly data: string;
  private process: ServerProcess | undefined;
  private args: (port: number) => readonly string[] = () => [];
  private lastPort = 0;
  private stopped: Promise<void> | undefined;
  /** The frozen processes, each with the end of its watch. */
  private readonly frozen = new Map<number, () => void>();

  constructor(
    private readonly folder: string,
    readonly tls: TlsMaterial | undefined,
  ) {
    this.data = join(folder, 'data');
  }

  get port(): number {
    return this.lastPort;
  }

  get url(): string {
    return `postgres://${USER}:${PASSWORD}@${HOST}:${this.lastPort}/postgres`;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  async initialize(): Promise<void> {
    const password = join(this.folder, 'password');
    await writeFile(password, PASSWORD);
    for (const [name, content] of Object.entries(this.tls ?? {})) {
      await writeFile(join(this.folder, `${name}.pem`), String(content), { mode: 0o600 });
    }
    if (isRoot) {
      for (const file of readdirSync(this.folder)) {
        await chown(join(this.folder, file), NOBODY.uid, NOBODY.gid);
      }
      await chown(this.folder, NOBODY.uid, NOBODY.gid);
      await chmod(this.folder, 0o700);
    }
    const [binary, ...args] = asOrdinaryUser('initdb', [
      ...['--pgdata', this.data, '--username', USER, '--pwfile', password],
      ...['--auth', 'scram-sha-256', '--encoding', 'UTF8', '--locale', 'C', '--no-sync'],
    ]);
    execFileSync(binary, args, { stdio: 'pipe', cwd: '/' });
  }

  async start(settings: Readonly<Record<string, string>>): Promise<void> {
    const { tls } = this;
    const secure = tls && {
      ssl: 'on',
      ssl_cert_file: join(this.folder, 'cert.pem'),
      ssl_key_file: join(this.folder, 'key.pem'),
    };
    const flags = Object.entries({ ...settings, ...secure }).flatMap(([name, value]) => [
      '-c',
      `${name}=${value}`,
    ]);
    this.args = (port) => ['-D', this.data, '-p', String(port), ...flags];
    await this.launch();
  }

  async kill(): Promise<void> {
    const process = this.process;
    this.process = undefined;
    if (process === undefined) return;
    // Otherwise its children hold its memory for a moment, and a restart is refused meanwhile.
    const children = childrenOf(process.pid);
    await process.kill();
    for (const child of children) send(child, 'SIGKILL');
    this.forgetFrozen();
  }

  async restart(): Promise<void> {
    await this.shutDown();
    await this.launch();
  }

  freeze(): void {
    const { pid } = this;
    if (pid === undefined) return;
    // The parent first; otherwise it would start new ones.
    send(pid, 'SIGSTOP');
    for (const child of childrenOf(pid)) {
      send(child, 'SIGSTOP');
      this.frozen.set(child, watchOver(child));
    }
  }

  thaw(): void {
    for (const child of this.frozen.keys()) send(child, 'SIGCONT');
    this.forgetFrozen();
    this.process?.signal('SIGCONT');
  }

  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  private async launch(): Promise<void> {
    const [binary, ...prefix] = asOrdinaryUser('postgres', []);
    this.process = await startServerProcess({
      binary,
      args: (port) => [...prefix, ...this.args(port)],
      ...(this.lastPort > 0 && { port: this.lastPort }),
      readyLine: /database system is ready to accept connections/,
    });
    this.lastPort = this.process.port;
  }

  private async end(): Promise<void> {
    await this.shutDown();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** At once, without waiting for clients or a checkpoint; but its shared memory is given back. */
  private async shutDown(): Promise<void> {
    this.thaw();
    const process = this.process;
    this.process = undefined;
    process?.signal('SIGQUIT');
    await process?.stop();
  }

  private forgetFrozen(): void {
    for (const release of this.frozen.values()) release();
    this.frozen.clear();
  }
}

/** An empty server has 40 MB of files, which a test that is killed would leave behind. */
function removeAtExit(folder: string): void {
  const afterTheServer = 'cat >/dev/null; sleep 6; rm -rf "$0"';
  const child = spawn('/bin/sh', ['-c', afterTheServer, folder], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.unref();
  holdOpen(child.stdin, false);
}

/** The command line of one of PostgreSQL's programs; `setpriv` becomes the program, with the same pid. */
function asOrdinaryUser(program: string, args: readonly string[]): [string, ...string[]] {
  const binary = join(process.env['POSTGRES_BIN'] ?? '', program);
  if (!isRoot) return [binary, ...args];
  const { uid, gid } = NOBODY;
  return ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', binary, ...args];
}

/** Each connection has a process, in a session of its own: no signal reaches all of them. */
function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === parent);
}

function parentOf(pid: number): number | undefined {
  try {
    // The state and the parent come after the name, which may contain any text in its parentheses.
    const [, fields = ''] = /\) (.*)$/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return Number(fields.split(' ')[1]);
  } catch {
    return undefined; // it has just ended
  }
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It has just ended.
  }
}
