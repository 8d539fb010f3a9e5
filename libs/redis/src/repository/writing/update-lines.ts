import { withDeadline } from '../../time/deadline.js';

/** How long an update holds up those behind it; what takes longer competes with them. */
const LONGEST_TURN_MS = 100;

/**
 * Lets updates of one entity go one after the other once they have met: each of them would else undo
 * the work of all others, and start over. One line for each key, as long as somebody stands in it.
 *
 * A line is there for speed, and the condition of the write for safety: an update that is slow, or that
 * waits for another one of the same entity, loses its turn and not more.
 *
 * @internal
 */
export class UpdateLines {
  readonly #ends = new Map<string, Promise<void>>();

  /** Whether somebody stands in this line. */
  has(key: string): boolean {
    return this.#ends.has(key);
  }

  /**
   * Waits for those before, for `timeoutMs` at most. The result has to be called when the update is
   * done.
   */
  async enter(key: string, timeoutMs: number): Promise<() => void> {
    const before = this.#ends.get(key) ?? Promise.resolve();
    let leave = (): void => undefined;
    const turn = new Promise<void>((resolve) => (leave = resolve));
    const end = before.then(() => turn);
    this.#ends.set(key, end);
    void end.then(() => {
      if (this.#ends.get(key) === end) this.#ends.delete(key);
    });
    await withDeadline(before, timeoutMs, leave);
    const turnIsOver = setTimeout(leave, LONGEST_TURN_MS);
    return () => {
      clearTimeout(turnIsOver);
      leave();
    };
  }
}
