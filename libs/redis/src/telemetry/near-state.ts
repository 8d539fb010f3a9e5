/**
 * The state of a near copy. The counts are those of this cache since it was made, but `pushes`, which is
 * that of all caches of the connection.
 *
 * @publicApi
 */
export interface NearState {
  readonly hits: number;
  /** Reads that it could not serve, each of which asked Redis. */
  readonly misses: number;
  /** Values that had to make room. */
  readonly evictions: number;
  /** Values that were confirmed or refused in Redis, because a link had been lost since they were read. */
  readonly unverified: number;
  readonly entries: number;
  readonly bytes: number;
  /** Messages of Redis about changes. */
  readonly pushes: number;
  /** Whether it hears of the changes of all servers. If not, values are read from Redis. */
  readonly isArmed: boolean;
  /** Why not. Absent until the first read, with which it begins to hear of changes. */
  readonly reason?: string;
  /**
   * The age of the oldest proof that all changes are known, in milliseconds; `Infinity` without one. Nothing
   * is served while it is above `staleness`.
   */
  readonly proofAgeMs: number;
}
