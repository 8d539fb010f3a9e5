import type { Connection } from '../../connection/connection.js';
import { nodeOf } from '../../connection/driver/hash-slots.js';
import { withDeadline } from '../../time/deadline.js';
import { plusJitter } from '../../time/jitter.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** More would take longer to repeat than it is worth keeping a process for. */
const MOST_PENDING = 10_000;

/** How many are tried first. The others follow if any of these is acknowledged. */
const MOST_PROBES = 16;

/** A connection may be dead without any sign of it. */
const LONGEST_TRY_MS = 2_000;

interface Pending {
  readonly deletion: () => Promise<unknown>;
  /** Called with the number that is left. */
  readonly onDelivered: (left: number) => void;
}

/**
 * Repeats deletions that Redis has not acknowledged until it does. All caches of one connection share
 * it. In this process only: what is still here when the process dies is lost.
 *
 * @internal
 */
export class Outbox {
  /** By key. Replaced when some are delivered, so that a read knows what there was when it began. */
  #pending = new Map<string, Pending>();
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  /** Until something is added again: other caches of the connection may go on. */
  #isClosed = false;
  readonly #nodeOf: (key: string) => string;

  constructor(connection?: Pick<Connection, 'client'>) {
    this.#nodeOf = connection ? (key) => nodeOf(connection.client, key) : () => '';
  }

  get size(): number {
    return this.#pending.size;
  }

  /** The keys that this process has deleted, though Redis may not know it yet. */
  get deleted(): ReadonlyMap<string, unknown> {
    return this.#pending;
  }

  /**
   * @param onDelivered called with the number that is left, once this one is delivered
   * @returns whether there was room for it
   */
  add(
    key: string,
    deletion: () => Promise<unknown>,
    onDelivered: (left: number) => void = () => undefined,
  ): boolean {
    if (this.#pending.size >= MOST_PENDING && !this.#pending.has(key)) return false;
    this.#pending.set(key, { deletion, onDelivered });
    this.#isClosed = false;
    this.#schedule();
    return true;
  }

  /** Tries once more, then stops. @returns how many are lost */
  async close(): Promise<number> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#deliver();
    return this.#pending.size; // caches that go on must still not serve these
  }

  #schedule(): void {
    if (this.#timer || this.#isClosed) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#deliver().then(() => {
        if (this.#pending.size > 0) this.#schedule();
      });
    }, plusJitter(this.#pauseMs)).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  /** Delivers to each server by itself: one that does not answer holds up no other. */
  async #deliver(): Promise<void> {
    const byNode = new Map<string, Pending[]>();
    for (const [key, pending] of this.#pending) {
      const node = this.#nodeOf(key);
      const all = byNode.get(node);
      if (all) all.push(pending);
      else byNode.set(node, [pending]);
    }
    await Promise.all([...byNode.values()].map((all) => this.#deliverAll(all)));
  }

  async #deliverAll(all: readonly Pending[]): Promise<void> {
    const delivered = new Set<Pending>();
    const deliver = async (pending: Pending) => {
      try {
        await withDeadline(pending.deletion(), LONGEST_TRY_MS, tooLate);
        delivered.add(pending);
      } catch {
        // stays
      }
    };
    await Promise.all(all.slice(0, MOST_PROBES).map(deliver));
    if (delivered.size === 0) return; // thousands more would only pile up
    await Promise.all(all.slice(MOST_PROBES).map(deliver));
    // A key that was added again meanwhile was so by another deletion, which has not been delivered.
    const left = [...this.#pending].filter(([, pending]) => !delivered.has(pending));
    this.#pending = new Map(left);
    if (left.length === 0) this.#pauseMs = FIRST_PAUSE_MS;
    for (const onDelivered of new Set([...delivered].map((pending) => pending.onDelivered))) {
      onDelivered(left.length);
    }
  }
}

function tooLate(): never {
  throw new Error('not acknowledged in time');
}
