/** An event of the pool of dedicated connections. */
export type PoolEvent =
  | {
      /** A caller got a connection, or stopped waiting for one. */
      readonly type: 'pool.acquire';
      readonly connection: string;
      readonly durationMs: number;
      /** The number of connections in use now. */
      readonly inUse: number;
      /** Why the caller got no connection. */
      readonly error?: Error;
    }
  | {
      /** A connection was given back. */
      readonly type: 'pool.release';
      readonly connection: string;
      readonly inUse: number;
      /** Whether the connection stays in the pool; otherwise it was closed. */
      readonly reused: boolean;
    };
