/** What happens to a connection; each once, however often the client retries in between. */
export type ConnectionEvent =
  | ConnectionReplaced
  | ConnectionWarning
  | {
      readonly type: 'connection.ready';
      readonly connection: string;
      /** Where it is connected to, e.g. `localhost:6379`. */
      readonly endpoint: string;
      /** Whether it had been announced as down before. */
      readonly restored: boolean;
    }
  | {
      readonly type: 'connection.down';
      readonly connection: string;
      readonly endpoint: string;
      /** What the driver reported; absent when the server just closed the connection. */
      readonly error?: Error;
    };

/** A connection was given up, although it was open, for a new one. */
export interface ConnectionReplaced {
  readonly type: 'connection.replaced';
  readonly connection: string;
  /** Where it led to, e.g. `10.0.0.1:6379`. */
  readonly endpoint: string;
  /**
   * `failover`: the sentinels have another primary, announced once for all clients of the connection;
   * `read-only`: the server says that it is a replica; `silent`: it does not answer, and a new connection
   * is answered.
   */
  readonly reason: 'failover' | 'read-only' | 'silent';
}

/** A connection works, and not as it was configured. Announced at each connect. */
export interface ConnectionWarning {
  readonly type: 'connection.warning';
  readonly connection: string;
  /**
   * `info-forbidden`: the user may not ask for INFO, so that a server that loads its data counts as ready;
   * `password-not-needed`: a password was given, and the server, or a sentinel, wants none;
   * `users-not-known`: a user name was given to a Redis older than 6, which knows passwords only.
   */
  readonly about: 'info-forbidden' | 'password-not-needed' | 'users-not-known';
}
