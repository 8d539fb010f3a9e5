import type { Command } from 'ioredis';

/** A command that is on its way. */
export interface SupervisedCommand {
  readonly command: Command;
  /** Which attempt this is: ioredis gives a command a new promise when it starts over. */
  readonly promise: Promise<unknown>;
  readonly timeoutMs: number;
  /** On the clock of `performance.now()`. */
  readonly deadline: number;
  readonly reject: (error: Error) => void;
  rejected: boolean;
}

/** How long an answered command may stay in the list, in milliseconds. */
const SWEEP_MS = 250;

/**
 * Rejects commands that are not answered in time, with one timer for all of them: a timer for each
 * command costs a good part of the throughput under load. Does not keep the process alive.
 *
 * @internal
 */
export class CommandDeadlines {
  readonly #running: SupervisedCommand[] = [];
  #timer: NodeJS.Timeout | undefined;
  #sweepAt = Number.POSITIVE_INFINITY;

  /** @param now the time on the clock of `performance.now()` */
  watch(supervised: SupervisedCommand, now: number): void {
    if (supervised.deadline === Number.POSITIVE_INFINITY) return;
    this.#running.push(supervised);
    this.#sweepNoLaterThan(Math.min(supervised.deadline, now + SWEEP_MS), now);
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
    const late: SupervisedCommand[] = [];
    let earliest = Number.POSITIVE_INFINITY;
    let kept = 0;
    for (const supervised of this.#running) {
      if (supervised.rejected || supervised.command.isResolved) continue;
      if (supervised.deadline <= now) {
        late.push(supervised);
      } else {
        earliest = Math.min(earliest, supervised.deadline);
        this.#running[kept++] = supervised;
      }
    }
    this.#running.length = kept;
    this.#sweepAt = Number.POSITIVE_INFINITY;
    if (kept > 0) this.#sweepNoLaterThan(Math.min(earliest, now + SWEEP_MS), now);
    // In ioredis's own words, so that it reads the same to whoever knows them.
    for (const { command } of late) command.reject(new Error('Command timed out'));
  }
}
