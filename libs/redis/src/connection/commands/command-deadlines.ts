import { rejectAsLate, type Supervision } from './supervised-command.js';

/** How long an answered command may stay in the list, in milliseconds. */
const SWEEP_MS = 250;

/** How many commands the list may hold before it is worth looking at. */
const SMALL = 1_024;

/**
 * Rejects commands that are not answered in time, with one timer for all of them: a timer for each
 * command costs a good part of the throughput under load. Does not keep the process alive.
 *
 * @internal
 */
export class CommandDeadlines {
  readonly #running: Supervision[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sweepAt = Number.POSITIVE_INFINITY;
  #sweepAtLength = SMALL;

  /** @param now the time on the clock of `performance.now()` */
  watch(supervision: Supervision, now: number): void {
    if (supervision.deadline === Number.POSITIVE_INFINITY) return;
    this.#running.push(supervision);
    if (this.#running.length > this.#sweepAtLength) this.#sweep(); // large values are let go of sooner
    this.#sweepNoLaterThan(Math.min(supervision.deadline, now + SWEEP_MS), now);
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

  /** Forgets what is answered, rejects what is late, and comes back when the next one will be. */
  #sweep(): void {
    const now = performance.now();
    const late: Supervision[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (const supervision of this.#running) {
      if (supervision.rejected || supervision.command.isResolved) continue;
      if (supervision.deadline <= now) {
        late.push(supervision);
      } else {
        earliest = Math.min(earliest, supervision.deadline);
        this.#running[kept++] = supervision;
      }
    }
    this.#running.length = kept;
    this.#sweepAtLength = Math.max(SMALL, kept * 2);
    this.#sweepAt = Number.POSITIVE_INFINITY;
    if (kept > 0) this.#sweepNoLaterThan(Math.min(earliest, now + SWEEP_MS), now);
    late.forEach(rejectAsLate);
  }
}
