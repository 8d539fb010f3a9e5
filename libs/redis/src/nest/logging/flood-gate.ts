import { warnOf } from '../../telemetry/warn-of.js';

/** In this time a line that repeats is written once. */
const WINDOW_MS = 1_000;

/** Writes a line, with the number of lines like it that were held back before it. */
type Write = (heldBack: { readonly held_back?: number }) => void;

/**
 * Limits each kind of line to one a second. The first line is written at once; the lines of the second
 * after it are held back, and the last of them is written at its end, with their number.
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

  /** Writes now what is held back. */
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

  /** @returns whether a line was held back */
  #release(kind: string): boolean {
    const { count = 0, last } = this.#windows.get(kind) ?? {};
    this.#windows.delete(kind);
    if (!last) return false;
    try {
      last(count > 1 ? { held_back: count - 1 } : {});
    } catch (error) {
      warnOf('A listener to Redis telemetry', error); // a timer has no caller
    }
    return true;
  }
}
