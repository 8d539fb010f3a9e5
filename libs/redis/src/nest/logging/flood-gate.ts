import { warnOf } from '../../telemetry/warn-of.js';

/** A line that repeats is written once in this time. */
const WINDOW_MS = 1_000;

/** Writes a line, with the number of those like it that were held back before it. */
type Write = (heldBack: { readonly held_back?: number }) => void;

/**
 * Keeps a flood out of the log: the first line of a kind is written at once, those within a second
 * after it are held back, and the last of them is written at the end of that second with their number.
 */
export class FloodGate {
  readonly #windows = new Map<string, { count: number; last: Write | undefined }>();
  readonly #timers = new Set<NodeJS.Timeout>();

  /** @param kind what makes two lines alike; there must be a bounded number of them */
  pass(kind: string, write: Write): void {
    const window = this.#windows.get(kind);
    if (window) {
      window.count++;
      window.last = write;
      return;
    }
    this.#open(kind);
    write({});
  }

  /** Writes what is held back now. */
  flush(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    const kinds = [...this.#windows.keys()];
    for (const kind of kinds) this.#release(kind);
  }

  #open(kind: string): void {
    this.#windows.set(kind, { count: 0, last: undefined });
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (this.#release(kind)) this.#open(kind);
    }, WINDOW_MS);
    timer.unref();
    this.#timers.add(timer);
  }

  /** @returns whether there was something */
  #release(kind: string): boolean {
    const { count = 0, last } = this.#windows.get(kind) ?? {};
    this.#windows.delete(kind);
    if (!last) return false;
    try {
      last(count > 1 ? { held_back: count - 1 } : {});
    } catch (error) {
      warnOf('A listener to Redis telemetry', error); // nobody is there who could handle it
    }
    return true;
  }
}
