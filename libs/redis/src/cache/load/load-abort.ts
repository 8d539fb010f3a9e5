/**
 * Ends a load that has no caller left, or takes too long. Makes a signal only for a loader that asks for it:
 * in Node 20 a signal costs as much as a third of a load.
 *
 * @internal
 */
export class LoadAbort {
  #isAborted = false;
  #reason: unknown;
  #controller: AbortController | undefined;
  #listeners: ((reason: unknown) => void)[] | undefined;

  get isAborted(): boolean {
    return this.#isAborted;
  }

  get signal(): AbortSignal {
    if (!this.#controller) {
      this.#controller = new AbortController();
      if (this.#isAborted) this.#controller.abort(this.#reason);
    }
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    if (this.#isAborted) return;
    this.#isAborted = true;
    this.#reason = reason;
    this.#controller?.abort(reason);
    const listeners = this.#listeners ?? [];
    this.#listeners = undefined;
    for (const listener of listeners) listener(reason);
  }

  /** @throws the reason of the abort */
  throwIfAborted(): void {
    if (this.#isAborted) throw this.#reason;
  }

  /** Calls a function when the load is aborted after this call. */
  onAbort(listener: (reason: unknown) => void): void {
    (this.#listeners ??= []).push(listener);
  }

  /**
   * Waits for work, but not longer than until the abort, which the work itself may have caused already.
   *
   * @throws the reason of the abort
   */
  until<T>(work: Promise<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      work.then(resolve, reject);
      this.throwIfAborted();
      this.onAbort(reject);
    });
  }
}
