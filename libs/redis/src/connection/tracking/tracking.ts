import type { Connection } from '../connection.js';
import type { Link, TrackingListener } from './link.js';

/** The state of all links of a connection, for health and metrics. */
export interface TrackingState {
  /** Whether there is a link, and every one is armed. */
  readonly isArmed: boolean;
  /** Why one of them is not. */
  readonly reason?: string;
  /** The age of the oldest proof; `Infinity` if one has none. */
  readonly oldestProofAgeMs: number;
}

/**
 * Follows changes of keys on all servers that have keys of one connection.
 *
 * @internal
 */
export class Tracking {
  readonly links: Iterable<Link> = [];
  readonly pushes = 0;

  constructor(
    _connection: Connection,
    _prefixes: readonly string[],
    _listener: TrackingListener,
    _heartbeatMs: number,
  ) {}

  open(): void {}

  linkOf(_key: string): Link | undefined {
    return undefined;
  }

  beat(_heartbeatMs: number): void {}

  get state(): TrackingState {
    return { isArmed: false, oldestProofAgeMs: Infinity };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
