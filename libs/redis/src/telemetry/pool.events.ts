/** What happens in the pool of dedicated connections. */
export type PoolEvent =
  | {
      /** Somebody asked for a connection and got it, or gave up. */
      readonly type: 'pool.acquire';
      readonly connection: string;
      readonly durationMs: number;
      /** How many are lent now. */
      readonly inUse: number;
      /** Why there was none. */
      readonly error?: Error;
    }
  | {
      /** A connection came back. */
      readonly type: 'pool.release';
      readonly connection: string;
      readonly inUse: number;
      /** Whether the next caller may have it; otherwise it was closed. */
      readonly reused: boolean;
    };
