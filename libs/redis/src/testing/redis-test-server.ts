import type { TlsMaterial } from './tls-material.js';

/** A Redis server that belongs to one test. It dies with the test process, however that one dies. */
export interface RedisTestServer extends AsyncDisposable {
  /** `embedded` when no server program was found; it can do less. */
  readonly kind: 'real' | 'embedded';
  /** Always `127.0.0.1`. */
  readonly host: string;
  /** Stays the same across `restart()`. */
  readonly port: number;
  /** With the password in it, if there is one; `rediss:` with TLS. */
  readonly url: string;
  readonly password: string | undefined;
  /** Present if it speaks TLS (and nothing else). */
  readonly tls: TlsMaterial | undefined;
  /** The server's process; `undefined` while it is down, and for an embedded one. */
  readonly pid: number | undefined;
  /** Ends it like a power cut: SIGKILL. Resolves when it is gone. */
  kill(): Promise<void>;
  /** Starts it again, after stopping it if need be, on the same port with the same arguments. */
  restart(options?: RestartOptions): Promise<void>;
  /** SIGSTOP: connections stay open and nothing answers. Needs a real server. */
  freeze(): void;
  /** SIGCONT: undoes `freeze()`. */
  thaw(): void;
  /** Ends it for good and removes its files. May be called twice. */
  stop(): Promise<void>;
}

export interface RestartOptions {
  /**
   * When `restart()` returns: once commands are served, or as soon as the server accepts connections
   * and may still answer LOADING. Embedded servers are always ready.
   *
   * @default 'ready'
   */
  readonly until?: 'ready' | 'listening';
}
