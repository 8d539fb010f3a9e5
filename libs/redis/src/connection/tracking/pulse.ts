import { TrackingError } from './troubles.js';

/** The questions of a heartbeat. */
export interface PulseQuestions {
  /** When pushes were last known to arrive. */
  readonly provenAt: number;
  /** Fulfilled when all that the server has pushed before has been heard. */
  ping(): Promise<void>;
  /** Fulfilled when the server is known to be the right one; `undefined` if that is not asked this time. */
  check(): Promise<void> | undefined;
  /** A question was answered in the wrong way, or not at all. Called once, as the end. */
  failed(error: unknown): void;
}

/** A connection is given up after this many heartbeats without an answer, and not before {@link SILENT_MS}. */
const SILENT_BEATS = 12;
const SILENT_MS = 2_000;
/** How many heartbeats may be unanswered at a time: an answer may take longer than a beat. */
const MOST_UNANSWERED = 64;

/**
 * Proves again and again that pushes arrive. A proof counts from when its question was sent: what was
 * acknowledged later may be on its way.
 *
 * @internal
 */
export class Pulse {
  provenAt: number;
  readonly #questions: PulseQuestions;
  /** When the heartbeats were sent that are not answered yet, the oldest first. */
  readonly #unanswered = new Set<number>();
  #timer: NodeJS.Timeout | undefined;
  #intervalMs = Infinity;
  #dueAt = 0;
  #hasEnded = false;

  constructor(questions: PulseQuestions) {
    this.#questions = questions;
    this.provenAt = questions.provenAt;
  }

  /** Beats at once, and then at this interval. */
  changePace(intervalMs: number): void {
    if (this.#hasEnded || intervalMs === this.#intervalMs) return;
    this.#intervalMs = intervalMs;
    this.#beat();
  }

  end(): void {
    this.#hasEnded = true;
    clearTimeout(this.#timer);
  }

  readonly #beat = (): void => {
    const now = performance.now();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(this.#beat, this.#intervalMs).unref();
    // A process that was busy has not read the answers that are there.
    const wasBusy = this.#dueAt > 0 && now - this.#dueAt > SILENT_MS / 2;
    this.#dueAt = now + this.#intervalMs;
    const [oldest = now] = this.#unanswered;
    const silentMs = Math.max(this.#intervalMs * SILENT_BEATS, SILENT_MS);
    if (now - oldest > silentMs && !wasBusy) {
      this.#fail(new TrackingError('The server does not answer.'));
    } else if (this.#unanswered.size < MOST_UNANSWERED) {
      this.#ask(now);
    }
  };

  #ask(sentAt: number): void {
    this.#unanswered.add(sentAt);
    const check = this.#questions.check();
    const pong = this.#questions.ping();
    (check ? Promise.all([pong, check]) : pong).then(
      () => {
        this.#unanswered.delete(sentAt);
        if (sentAt > this.provenAt) this.provenAt = sentAt;
      },
      (error: unknown) => {
        this.#fail(error);
      },
    );
  }

  #fail(error: unknown): void {
    if (this.#hasEnded) return;
    this.end();
    this.#questions.failed(error);
  }
}
