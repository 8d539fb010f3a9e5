import { withDeadline } from '../../time/deadline.js';
import { plusJitter } from '../../time/jitter.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** More would take longer to repeat than it is worth keeping a process for. */
const MOST_PENDING = 10_000;

/** A connection may be dead without anybody noticing. */
const LONGEST_TRY_MS = 2_000;

type Deletion = () => Promise<unknown>;

/**
 * Deletions that Redis has not acknowledged, by key, repeated until it does. In this process only: what
 * is still here when the process dies is lost.
 *
 * @internal
 */
export class Outbox {
  readonly #onDelivered: (left: number) => void;
  /** Replaced when some are delivered, so that a read can tell what there was when it began. */
  #pending: Map<string, Deletion> = new Map<string, Deletion>();
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;

  /** @param onDelivered told how many are left, each time that some were delivered */
  constructor(onDelivered: (left: number) => void) {
    this.#onDelivered = onDelivered;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** What is deleted as far as this process is concerned, though Redis may not know it yet. */
  get deleted(): ReadonlyMap<string, unknown> {
    return this.#pending;
  }

  /** @returns whether there was room for it */
  add(key: string, deletion: Deletion): boolean {
    if (this.#pending.size >= MOST_PENDING && !this.#pending.has(key)) return false;
    this.#pending.set(key, deletion);
    this.#schedule();
    return true;
  }

  /** Tries once more, and no longer after that. @returns how many are lost */
  async close(): Promise<number> {
    await this.#deliver();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lost = this.#pending.size;
    this.#pending = new Map();
    return lost;
  }

  #schedule(): void {
    if (this.#timer) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#deliver().then(() => {
        if (this.#pending.size > 0) this.#schedule();
      });
    }, plusJitter(this.#pauseMs)).unref();
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
  }

  async #deliver(): Promise<void> {
    const delivered = new Set<Deletion>();
    await Promise.all(
      [...this.#pending.values()].map(async (deletion) => {
        try {
          await withDeadline(deletion(), LONGEST_TRY_MS, tooLate);
          delivered.add(deletion);
        } catch {
          // stays
        }
      }),
    );
    if (delivered.size === 0) return;
    // A key that was added again meanwhile was so by another deletion, which has not been delivered.
    const left = [...this.#pending].filter(([, deletion]) => !delivered.has(deletion));
    this.#pending = new Map(left);
    if (left.length === 0) this.#pauseMs = FIRST_PAUSE_MS;
    this.#onDelivered(left.length);
  }
}

function tooLate(): never {
  throw new Error('not acknowledged in time');
}
