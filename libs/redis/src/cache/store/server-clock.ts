/**
 * The server's clock, as its replies tell it: the wall clocks of the processes that share a cache may
 * differ, and jump. Until the first reply it is this process's own.
 *
 * @internal
 */
export class ServerClock {
  #offset = Date.now() - performance.now();

  /** @param serverMs what the server said its time was, not long ago */
  learn(serverMs: number): void {
    this.#offset = serverMs - performance.now();
  }

  now(): number {
    return performance.now() + this.#offset;
  }
}
