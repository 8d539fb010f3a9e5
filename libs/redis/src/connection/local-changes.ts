type Listener = (keys: readonly string[]) => void;

/**
 * Passes on which keys this process changes, so that copies of them in the process are dropped without a
 * word from the server. Each connection has one; without a listener nothing is passed on.
 *
 * A change is told twice: before its command is sent, and once it is answered. Between the two a read may
 * bring back what was there before.
 *
 * @internal
 */
export class LocalChanges {
  /** Each with its listener for changes of any keys. */
  readonly #listeners = new Map<Listener, () => void>();

  /** Whether it is worth making a list of keys. */
  get isHeard(): boolean {
    return this.#listeners.size > 0;
  }

  /**
   * @param anyChanged called when any keys may have been changed
   * @returns a function that ends it
   */
  listen(listener: Listener, anyChanged: () => void = () => undefined): () => void {
    this.#listeners.set(listener, anyChanged);
    return () => {
      this.#listeners.delete(listener);
    };
  }

  /** Tells that these keys are about to be changed, or have been. */
  tell(keys: readonly string[]): void {
    for (const listener of this.#listeners.keys()) listener(keys);
  }

  /** Tells that any keys are about to be changed, or have been. */
  tellAll(): void {
    for (const anyChanged of this.#listeners.values()) anyChanged();
  }

  /** Does what changes these keys, and tells of it before and after, whether or not it fails. */
  async around<T>(keys: readonly string[], change: () => Promise<T>): Promise<T> {
    if (!this.isHeard) return change();
    this.tell(keys);
    try {
      return await change();
    } finally {
      this.tell(keys);
    }
  }
}
