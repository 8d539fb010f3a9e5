import type { TlsMaterial } from './tls-material.js';

/** A Redis server of one test. It ends with the test process, however that process ends. */
export interface RedisTestServer extends AsyncDisposable {
  /** `embedded` if there is no server program on this machine; the embedded server can do less. */
  readonly kind: 'real' | 'embedded';
  /** Always `127.0.0.1`. */
  readonly host: string;
  /** Stays the same after `restart()`. */
  readonly port: number;
  /** Contains the password, if there is one. Begins with `rediss:` if the server speaks TLS. */
  readonly url: string;
  readonly password: string | undefined;
  /** Present if the server speaks TLS; it then speaks nothing else. */
  readonly tls: TlsMaterial | undefined;
  /** The process of the server; `undefined` while it is stopped. */
  readonly pid: number | undefined;
  /** Ends the server with SIGKILL, as a power cut would. Resolves when the process has ended. */
  kill(): Promise<void>;
  /** Stops the server if it runs, and starts it again on the same port with the same arguments. */
  restart(options?: RestartOptions): Promise<void>;
  /** Freezes the server with SIGSTOP: connections stay open and get no answers. */
  freeze(): void;
  /** Undoes `freeze()` with SIGCONT. */
  thaw(): void;
  /** Ends the server and removes its files. May be called twice. */
  stop(): Promise<void>;
}

export interface RestartOptions {
  /**
   * When `restart()` resolves: `ready` once the server serves commands, `listening` as soon as it accepts
   * connections and may still answer LOADING. An embedded server is always ready.
   *
   * @default 'ready'
   */
  readonly until?: 'ready' | 'listening';
}

/**
 * Makes the URL of a server.
 *
 * @internal
 */
export function serverUrl(server: {
  readonly host: string;
  readonly port: number;
  readonly password: string | undefined;
  readonly tls: unknown;
}): string {
  const scheme = server.tls === undefined ? 'redis' : 'rediss';
  const credentials =
    server.password === undefined ? '' : `:${encodeURIComponent(server.password)}@`;
  return `${scheme}://${credentials}${server.host}:${server.port}`;
}

/**
 * Starts `count` servers at the same time.
 *
 * @throws the error of the first failed start, after all other servers have been stopped
 * @internal
 */
export async function startTogether<T extends { stop(): Promise<void> }>(
  count: number,
  start: () => Promise<T>,
): Promise<T[]> {
  const outcomes = await Promise.allSettled(Array.from({ length: count }, start));
  const started = outcomes.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = outcomes.find((one) => one.status === 'rejected');
  if (failed === undefined) return started;
  await stopAll(started);
  throw failed.reason;
}

/** @internal */
export async function stopAll(servers: Iterable<{ stop(): Promise<void> }>): Promise<void> {
  await Promise.all([...servers].map((server) => server.stop()));
}
