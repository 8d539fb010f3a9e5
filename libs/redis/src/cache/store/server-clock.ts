/** A reply that took longer says too little about what time it is now. */
const LONGEST_TRIP_MS = 1_000;

/**
 * Estimates the server's clock from its replies: the wall clocks of the processes that share a cache may
 * differ, and jump. Until the first reply it is this process's own clock.
 *
 * @internal
 */
export class ServerClock {
  #offset = Date.now() - performance.now();

  /**
   * @param serverMs what the server said its time was
   * @param askedAt when it was asked, on the clock of `performance.now()`
   */
  learn(serverMs: number, askedAt: number): void {
    const now = performance.now();
    if (now - askedAt <= LONGEST_TRIP_MS) this.#offset = serverMs - (askedAt + now) / 2;
  }

  now(): number {
    return performance.now() + this.#offset;
  }
}
