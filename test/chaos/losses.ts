/** Writes that Redis itself may lose in a fault. The oracle forgives these, and no others. */
export type LossKind =
  /** Nothing: what was acknowledged is there. */
  | 'none'
  /**
   * Replication is asynchronous. Writes that a primary acknowledged just before or during its replacement
   * may be missing on the next primary.
   */
  | 'recent'
  /** Everything may be gone: flushed, evicted, or never written to a disk. Older data may not come back. */
  | 'all';

/** On a busy machine, a write that was acknowledged this long before the fault may not be replicated yet. */
export const REPLICATION_LAG_MS = 1_000;

/**
 * Time after the switch for which an acknowledgement of the replaced primary is forgiven: a client of a
 * frozen node may need 1.5 command timeouts to notice, and the node executes the commands sent until then
 * when it continues.
 */
export const SWITCH_MS = 2_000;

interface Loss {
  readonly kind: LossKind;
  readonly from: number;
  until: number;
}

/** When a change was asked for and acknowledged. */
export interface Made {
  readonly sentAt: number;
  readonly ackedAt: number;
}

/** The times at which something may have been lost. Times are those of `performance.now()`. */
export class Losses {
  readonly #losses: Loss[] = [];

  /** From now on, until `end()` is called. */
  begin(kind: LossKind, now: number): void {
    const from = kind === 'recent' ? now - REPLICATION_LAG_MS : now;
    this.#losses.push({ kind, from, until: Infinity });
  }

  end(now: number): void {
    const last = this.#losses.at(-1);
    if (last?.until === Infinity) last.until = last.kind === 'recent' ? now + SWITCH_MS : now;
  }

  /** Whether a change that Redis made at some time between may be undone, as if it had never been made. */
  mayUndo({ sentAt, ackedAt }: Made): boolean {
    return this.#losses.some(
      ({ kind, from, until }) => kind === 'recent' && ackedAt >= from && sentAt <= until,
    );
  }

  /** Whether a user that was made or changed then may be gone for a reader that was answered at `seenAt`. */
  mayVanish({ sentAt }: Made, seenAt: number): boolean {
    return this.#losses.some(
      ({ kind, from, until }) => kind === 'all' && sentAt <= until && seenAt >= from,
    );
  }
}
