/** A connection has changed its state. There is one event per change, also if the client retries often. */
export type ConnectionEvent =
  | ConnectionReplaced
  | ConnectionWarning
  | {
      readonly type: 'connection.ready';
      readonly connection: string;
      /** The address of the server, e.g. `localhost:6379`. */
      readonly endpoint: string;
      /** Whether a `connection.down` preceded this event. */
      readonly restored: boolean;
    }
  | {
      readonly type: 'connection.down';
      readonly connection: string;
      readonly endpoint: string;
      /** The error of the driver; absent if the server just closed the connection. */
      readonly error?: Error;
    };

/** An open connection was replaced by a new one. */
export interface ConnectionReplaced {
  readonly type: 'connection.replaced';
  readonly connection: string;
  /** The address of the old connection's server, e.g. `10.0.0.1:6379`. */
  readonly endpoint: string;
  /**
   * `failover`: the sentinels name another primary (one event for all clients of the connection);
   * `read-only`: the server says that it is a replica; `silent`: the old connection gets no answers, a new
   * one does.
   */
  readonly reason: 'failover' | 'read-only' | 'silent';
}

/** A connection works, but not as configured. Announced at each connect. */
export interface ConnectionWarning {
  readonly type: 'connection.warning';
  readonly connection: string;
  /**
   * `info-forbidden`: the user may not send INFO, so a server that is loading its data counts as ready;
   * `password-not-needed`: a password is configured, but the server, or a sentinel, needs none;
   * `users-not-known`: a user name is configured, but a Redis older than 6 knows passwords only;
   * `wait-refused`: a cache asks for replicas to confirm, but the server does not execute WAIT;
   * `no-replica-confirms`: a cache asks for replicas to confirm, but none has confirmed anything yet.
   */
  readonly about:
    | 'info-forbidden'
    | 'no-replica-confirms'
    | 'password-not-needed'
    | 'users-not-known'
    | 'wait-refused';
}
