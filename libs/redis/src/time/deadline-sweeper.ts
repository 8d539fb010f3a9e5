/** How long what is settled may stay in the list, in milliseconds. */
const SWEEP_MS = 250;

/** How many the list may hold before it is worth looking at. */
const SMALL = 1_024;

/** Something that has to settle by a point in time. */
export interface Awaited {
  /** On the clock of `performance.now()`; Infinity for never. */
  readonly deadline: number;
}

/**
 * Ends what does not settle in time, with one timer for all of it: a timer for each command costs a
 * good part of the throughput under load. Does not keep the process alive.
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
    if (this.#running.length > this.#sweepAtLength) this.#sweep(); // large values are let go of sooner
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

  /** Forgets what is settled, ends what is late, and comes back when the next one will be. */
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
