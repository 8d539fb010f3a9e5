import { plusJitter } from '../../time/jitter.js';

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 2_000;

/** More would take longer to repeat than it is worth keeping a process for. */
const MOST_PENDING = 10_000;

type Deletion = () => Promise<unknown>;

/**
 * Deletions that Redis has not acknowledged, by key, repeated until it does. In this process only: what
 * is still here when the process dies is lost.
 *
 * @internal
 */
export class Outbox {
  readonly #onDelivered: (left: number) => void;
  readonly #pending = new Map<string, Deletion>();
  #delivered = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;

  /** @param onDelivered told how many are left, each time that some were delivered */
  constructor(onDelivered: (left: number) => void) {
    this.#onDelivered = onDelivered;
  }

  get size(): number {
    return this.#pending.size;
  }

  /** How many deletions Redis has acknowledged. */
  get delivered(): number {
    return this.#delivered;
  }

  /** Whether a key is deleted as far as this process is concerned, though Redis does not know it yet. */
  has(key: string): boolean {
    return this.#pending.has(key);
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
    const lost = this.#pending.size;
    this.#pending.clear();
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
    const before = this.#pending.size;
    await Promise.all(
      [...this.#pending].map(async ([key, deletion]) => {
        try {
          await deletion();
        } catch {
          return; // stays
        }
        this.#delivered++;
        // The same key may have been added again meanwhile, for another reason.
        if (this.#pending.get(key) === deletion) this.#pending.delete(key);
      }),
    );
    if (this.#pending.size === 0) this.#pauseMs = FIRST_PAUSE_MS;
    if (this.#pending.size < before) this.#onDelivered(this.#pending.size);
  }
}
