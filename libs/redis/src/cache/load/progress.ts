import { whenAborted } from '../../time/until-abort.js';
import { LoadAbort } from './load-abort.js';

let latest = 0;

/**
 * The order in which things begin in this process. A load that began after a read did has seen every
 * invalidation that was acknowledged before the read.
 */
export function nextMoment(): number {
  return ++latest;
}

/**
 * - `asking`: Redis has been asked for something and has not answered.
 * - `waiting`: for another process, or for its turn. The next step begins later.
 * - `loading`: under the lease, or `alone` where no lease is held.
 * - `ended`: there is an outcome.
 */
type Phase = 'asking' | 'waiting' | 'loading' | 'alone' | 'ended';

/**
 * Tells callers that may share a flight how far it has come.
 *
 * @internal
 */
export class Progress {
  #phase: Phase = 'waiting';
  /** When the step that is under way began. */
  #since = nextMoment();
  /** The latest question to Redis. */
  #asked: Promise<unknown> | undefined;

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether the outcome is read or loaded after this moment. */
  isAfter(moment: number): boolean {
    return this.#phase !== 'ended' && (this.#since > moment || this.#phase === 'waiting');
  }

  /** Waits until Redis has answered what decides how to go on. */
  async settled(): Promise<void> {
    while (this.#phase === 'asking') await this.#asked?.catch(() => undefined);
  }

  /** Notes a question that is asked in this turn of the event loop. */
  ask<T>(answer: Promise<T>): Promise<T> {
    this.#phase = 'asking';
    this.#since = nextMoment();
    this.#asked = answer;
    return answer;
  }

  wait(): void {
    this.#phase = 'waiting';
  }

  /** The load counts from when the lease was asked for. */
  load(): void {
    this.#phase = 'loading';
  }

  loadAlone(): void {
    this.#phase = 'alone';
    this.#since = nextMoment();
  }

  end(): void {
    this.#phase = 'ended';
  }
}

/**
 * Counts the callers that wait for a flight, and aborts it when the last one leaves.
 *
 * @internal
 */
export class Callers {
  readonly abort = new LoadAbort();
  #count = 0;

  /** Counts one that does not wait, and so never leaves. */
  add(): void {
    this.#count++;
  }

  /**
   * Waits for the outcome, or until this caller leaves.
   *
   * @throws the signal's reason
   */
  join<T>(outcome: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    this.#count++;
    if (!signal) return outcome;
    return new Promise((resolve, reject) => {
      const leave = () => {
        reject(signal.reason as Error);
        if (--this.#count === 0) this.abort.abort(signal.reason);
      };
      if (signal.aborted) {
        leave();
        return;
      }
      const takeBack = whenAborted(signal, leave);
      outcome.then(takeBack, takeBack);
      outcome.then(resolve, reject);
    });
  }
}
