/** How often the holder of a lease shows that it lives. */
export const BEAT_MS = 80;

/** How many beats may be unanswered: over a link of 600 ms they still come one after the other. */
const MOST_UNANSWERED = 8;

/**
 * Repeats something until it is stopped, however long each takes. Does not keep the process alive.
 *
 * @internal
 */
export class Heartbeat {
  readonly #beat: (n: number) => Promise<unknown>;
  readonly #everyMs: number;
  #timer: NodeJS.Timeout | undefined;
  #count = 0;
  #unanswered = 0;

  /** @param beat is given how many there were, this one included; failures are ignored */
  constructor(beat: (n: number) => Promise<unknown>, everyMs = BEAT_MS) {
    this.#beat = beat;
    this.#everyMs = everyMs;
  }

  start(): void {
    this.#timer ??= setInterval(this.#tick, this.#everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  readonly #tick = (): void => {
    if (this.#unanswered >= MOST_UNANSWERED) return;
    this.#unanswered++;
    const answered = () => {
      this.#unanswered--;
    };
    this.#beat(++this.#count).then(answered, answered);
  };
}
