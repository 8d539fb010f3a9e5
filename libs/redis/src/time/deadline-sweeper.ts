/** The longest time that a settled item stays in the list, in milliseconds. */
const SWEEP_MS = 250;

/** The length of the list below which an early sweep is not worth its cost. */
const SMALL = 1_024;

/** An item with a deadline. */
export interface Awaited {
  /** A time on the clock of `performance.now()`; Infinity for no deadline. */
  readonly deadline: number;
}

/**
 * Expires items that do not settle in time, with one timer for all items: one timer per command would cost
 * a good part of the throughput under load. Does not keep the process alive.
 *
 * @internal
 */
export class DeadlineSweeper<T extends Awaited> {
  readonly #isSettled: (item: T) => boolean;
  readonly #expire: (item: T) => void;
  readonly #running: T[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sweepAt = Number.POSITIVE_INFINITY;
  #sweepAtLength = SMALL;

  constructor(isSettled: (item: T) => boolean, expire: (item: T) => void) {
    this.#isSettled = isSettled;
    this.#expire = expire;
  }

  /** @param now the time on the clock of `performance.now()` */
  watch(item: T, now: number): void {
    if (item.deadline === Number.POSITIVE_INFINITY) return;
    this.#running.push(item);
    if (this.#running.length > this.#sweepAtLength) this.#sweep(); // releases large values sooner
    this.#sweepNoLaterThan(Math.min(item.deadline, now + SWEEP_MS), now);
  }

  #sweepNoLaterThan(at: number, now: number): void {
    if (at >= this.#sweepAt) return;
    clearTimeout(this.#timer);
    this.#sweepAt = at;
    this.#timer = setTimeout(
      () => {
        this.#sweep();
      },
      Math.ceil(at - now),
    ).unref();
  }

  /** Drops settled items, expires late ones, and sets the timer for the next deadline. */
  #sweep(): void {
    const now = performance.now();
    const late: T[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (const item of this.#running) {
      if (this.#isSettled(item)) continue;
      if (item.deadline <= now) {
        late.push(item);
      } else {
        earliest = Math.min(earliest, item.deadline);
        this.#running[kept++] = item;
      }
    }
    this.#running.length = kept;
    this.#sweepAtLength = Math.max(SMALL, kept * 2);
    this.#sweepAt = Number.POSITIVE_INFINITY;
    if (kept > 0) this.#sweepNoLaterThan(Math.min(earliest, now + SWEEP_MS), now);
    late.forEach(this.#expire);
  }
}
