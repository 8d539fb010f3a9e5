import { nextMoment } from './moments.js';

/**
 * - `asking`: Redis has been asked for something and has not answered.
 * - `waiting`: for another process, or for its turn. Whatever is done next begins later.
 * - `loading`: under the lease, or `alone` where there is no Redis to give one.
 * - `ended`: there is an outcome.
 */
type Phase = 'asking' | 'waiting' | 'loading' | 'alone' | 'ended';

/**
 * How far a flight has come, for those who ask whether they may share it.
 *
 * @internal
 */
export class Progress {
  #phase: Phase = 'waiting';
  /** When the step that is under way began. */
  #since = nextMoment();
  /** Settles when Redis has answered what was asked last. */
  #answered: Promise<unknown> = Promise.resolve();

  get phase(): Phase {
    return this.#phase;
  }

  /** Whether what comes of it is read or loaded after this moment. */
  isAfter(moment: number): boolean {
    return this.#phase !== 'ended' && (this.#since > moment || this.#phase === 'waiting');
  }

  /** When Redis has answered what decides how to go on. */
  async settled(): Promise<void> {
    while (this.#phase === 'asking') await this.#answered;
  }

  /** Something was asked, in this turn of the event loop. */
  ask<T>(answer: Promise<T>): Promise<T> {
    this.#phase = 'asking';
    this.#since = nextMoment();
    this.#answered = answer.catch(() => undefined);
    return answer;
  }

  wait(): void {
    this.#phase = 'waiting';
  }

  /** It loads what it asked the lease for. */
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
