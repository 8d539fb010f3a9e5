import { ROWS } from './ledger.js';

/**
 * Which rows were harmed in Redis, and when: the list of those that are changing a row was, or may have
 * been, evicted, flushed or damaged. Only this frees the protocol from its second promise.
 */
export class TouchedMetadata {
  readonly #begun = new Int32Array(ROWS);
  readonly #underWay = new Int32Array(ROWS);

  /** While the fault lasts, and whenever it is executed until then, these rows are harmed. */
  async during(rows: readonly number[], fault: () => Promise<unknown>): Promise<void> {
    for (const row of rows) {
      this.#begun[row] = this.#at(this.#begun, row) + 1;
      this.#underWay[row] = this.#at(this.#underWay, row) + 1;
    }
    try {
      await fault();
    } finally {
      for (const row of rows) this.#underWay[row] = this.#at(this.#underWay, row) - 1;
    }
  }

  /** A moment, to be compared with a later one. */
  mark(row: number): number {
    return this.#at(this.#underWay, row) > 0 ? -1 : this.#at(this.#begun, row);
  }

  wasTouchedSince(row: number, mark: number): boolean {
    return mark !== this.#at(this.#begun, row);
  }

  #at(counts: Int32Array, row: number): number {
    return counts[row] ?? 0;
  }
}

export const ALL_ROWS: readonly number[] = Array.from({ length: ROWS }, (_, row) => row);
