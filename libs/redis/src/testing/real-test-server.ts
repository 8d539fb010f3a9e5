import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startServerProcess, type ServerProcess } from '../embedded/server-process.js';
import { serverUrl, type RedisTestServer, type RestartOptions } from './redis-test-server.js';
import { ServerOfProcess } from './server-of-process.js';
import type { TlsMaterial } from './tls-material.js';

const NOTHING_KEPT = ['--save', '', '--appendonly', 'no'];
/** With these a replica is ready in tens of milliseconds instead of five seconds. */
const PROMPT_REPLICATION = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'];

/** @internal */
export interface RealServerOptions {
  readonly binary: string;
  /** Called again for each attempt with another port, so it may choose further ports itself. */
  readonly args: () => readonly string[];
  readonly password?: string | undefined;
  readonly tls?: TlsMaterial | undefined;
  /** The protocol of the port for clients, if there is `tls`; other servers get TLS. @default 'tls' */
  readonly listens?: 'tls' | 'plain';
  /** The content of a configuration file, which a sentinel must have. */
  readonly configFile?: string;
}

/**
 * Starts a server program in a folder of its own, which `stop()` removes.
 *
 * @internal
 */
export async function startRealServer(options: RealServerOptions): Promise<RealTestServer> {
  const folder = await mkdtemp(join(tmpdir(), 'nestjs-redis-data-'));
  try {
    const base = await prepare(folder, options);
    const listensPlain = options.tls === undefined || options.listens === 'plain';
    const process = await startServerProcess({
      binary: options.binary,
      args: (port) => [
        ...base,
        ...(listensPlain ? ['--port', String(port)] : ['--port', '0', '--tls-port', String(port)]),
        ...options.args(),
        '--loglevel', // last, because the log must tell when the server is ready
        'notice',
      ],
    });
    return new RealTestServer(folder, options, process);
  } catch (error) {
    await remove(folder);
    throw error;
  }
}

/**
 * Runs a server program for one test.
 *
 * @internal
 */
export class RealTestServer extends ServerOfProcess implements RedisTestServer {
  readonly kind = 'real';
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly url: string;
  readonly password: string | undefined;
  readonly tls: TlsMaterial | undefined;

  constructor(
    private readonly folder: string,
    private readonly options: RealServerOptions,
    private readonly first: ServerProcess,
  ) {
    super(first);
    this.port = first.port;
    this.password = options.password;
    this.tls = options.listens === 'plain' ? undefined : options.tls;
    this.url = serverUrl(this);
  }

  /** The command line, which shows the ports that `options.args` chose. */
  get args(): readonly string[] {
    return this.first.args;
  }

  async restart({ until = 'ready' }: RestartOptions = {}): Promise<void> {
    await this.process?.stop();
    this.process = await startServerProcess({
      binary: this.options.binary,
      args: () => this.first.args,
      port: this.port,
      ...(until === 'listening' && { readyLine: /Server initialized|Ready to accept/ }),
    });
  }

  protected override async end(): Promise<void> {
    await super.end();
    await remove(this.folder);
  }
}

/** Writes the files of a server and returns the arguments that name them. */
async function prepare(folder: string, options: RealServerOptions): Promise<string[]> {
  const { configFile, password, tls } = options;
  const args = ['--bind', '127.0.0.1', '--dir', folder, ...NOTHING_KEPT, ...PROMPT_REPLICATION];
  if (password !== undefined) args.push('--requirepass', password, '--masterauth', password);
  if (tls !== undefined) {
    for (const [name, text] of Object.entries(tls)) {
      const path = join(folder, `${name}.pem`);
      await writeFile(path, String(text), { mode: 0o600 });
      args.push(name === 'ca' ? '--tls-ca-cert-file' : `--tls-${name}-file`, path);
    }
    args.push('--tls-auth-clients', 'optional', '--tls-replication', 'yes');
  }
  if (configFile === undefined) return args;
  const path = join(folder, 'server.conf');
  await writeFile(path, configFile, { mode: 0o600 });
  return [path, ...args];
}

function remove(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}
