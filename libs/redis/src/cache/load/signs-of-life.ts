import { DeadlineSweeper, type Awaited } from '../../time/deadline-sweeper.js';
import { isLeftBehind } from '../store/tokens.js';

/** How often the holder of a lease shows that it lives. */
const BEAT_MS = 80;

/** How many beats may be unanswered: over a link of 600 ms they still come one after the other. */
const MOST_UNANSWERED = 8;

/** Silence for less than these beats means nothing: a machine may be busy. */
const LEAST_SILENCE_MS = 3 * BEAT_MS;

/**
 * Repeats something until it is stopped, however long each repetition takes. Does not keep the process
 * alive.
 *
 * @internal
 */
export class Heartbeat implements Awaited {
  /** When it beats next. */
  deadline = 0;
  readonly #beat: (n: number) => Promise<unknown>;
  readonly #everyMs: number;
  #isRunning = false;
  #count = 0;
  #unanswered = 0;

  /** @param beat gets the number of beats so far, this one included; failures are ignored */
  constructor(beat: (n: number) => Promise<unknown>, everyMs = BEAT_MS) {
    this.#beat = beat;
    this.#everyMs = everyMs;
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  start(): void {
    if (this.#isRunning) return;
    this.#isRunning = true;
    this.#wait();
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Watched once for each start since the last beat, it is ticked as often: it beats with the first. */
  tick(): void {
    if (!this.#isRunning || performance.now() < this.deadline) return;
    this.#wait();
    if (this.#unanswered >= MOST_UNANSWERED) return;
    this.#unanswered++;
    const answered = () => {
      this.#unanswered--;
    };
    this.#beat(++this.#count).then(answered, answered);
  }

  #wait(): void {
    const now = performance.now();
    this.deadline = now + this.#everyMs;
    heartbeats.watch(this, now);
  }
}

/** One timer for all of them: most loads end before the first beat. */
const heartbeats = new DeadlineSweeper<Heartbeat>(
  ({ isRunning }) => !isRunning,
  (heartbeat) => {
    heartbeat.tick();
  },
);

/**
 * Watches the holder of a lease for signs of life, for a caller that waits for what it loads.
 *
 * @internal
 */
export class HolderWatch {
  readonly #patienceMs: number;
  #lease: string | null = null;
  #seenAt = 0;
  #silentMs = 0;

  /** @param timeoutMs how long the caller would wait for Redis */
  constructor(timeoutMs: number) {
    this.#patienceMs = Math.max(timeoutMs, LEAST_SILENCE_MS);
  }

  /** @param lease what is stored as the lease now, `null` for nothing */
  sees(lease: string | null): void {
    const now = performance.now();
    // At least three looks: if this process was busy, or stopped, that says nothing about the holder.
    const sinceLast = Math.min(now - this.#seenAt, this.#patienceMs / 2);
    this.#silentMs = lease === this.#lease ? this.#silentMs + sinceLast : 0;
    this.#lease = lease;
    this.#seenAt = now;
  }

  /** The lease as it was last seen, if its holder cannot be alive. */
  get orphan(): string | undefined {
    const lease = this.#lease;
    if (lease === null) return undefined;
    return isLeftBehind(lease) || this.#silentMs >= this.#patienceMs ? lease : undefined;
  }
}
