/** The clock of a server, as it was read once. */
export interface ServerTime {
  /** Milliseconds since 1970, as the server said. */
  readonly serverMs: number;
  /** When it was asked, on the clock of `performance.now()`: the server read its clock later. */
  readonly atMs: number;
}

/**
 * The tracking connection to one server.
 *
 * @internal
 */
export interface Link {
  /** The address of the server in a cluster, `host:port`; '' for a single server. */
  readonly node: string;
  /**
   * Grows each time the connection is lost, left or armed; no two links ever have the same. What was read
   * under another epoch has to be confirmed, and so has what was read while the link was not armed.
   */
  readonly epoch: number;
  /** Whether pushes are known to arrive. */
  readonly isArmed: boolean;
  /**
   * When the latest heartbeat that was answered had been sent, on the clock of `performance.now()`: all
   * pushes of changes that were acknowledged before then have arrived. `-Infinity` while not armed.
   */
  readonly provenAt: number;
  /** Absent if the server does not tell it. */
  readonly serverTimeAt: ServerTime | undefined;
}

/**
 * Hears what becomes of the keys and links of one connection. No method may throw.
 *
 * @internal
 */
export interface TrackingListener {
  /** Keys were changed, deleted or evicted, or have expired, in the order in which the server says so. */
  changed(keys: readonly string[]): void;
  /** All keys of a server were deleted. */
  flushed(link: Link): void;
  /** The link is not armed any more. Called after its epoch has grown. */
  lost(link: Link, reason: string): void;
  /** Pushes arrive from now on. Called after its epoch has grown. */
  armed(link: Link): void;
  /** In a cluster: these hash slots have another owner now. */
  moved(slots: ReadonlySet<number>): void;
  /** In a cluster: the client was redirected to a server that the slot does not name (ASK). */
  redirected(): void;
  /** The link cannot be armed, and will be tried rarely. Called once for each reason. */
  unavailable(link: Link, reason: string): void;
}
