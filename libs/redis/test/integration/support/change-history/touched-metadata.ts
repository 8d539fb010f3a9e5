import { ROWS } from './ledger.js';

/**
 * Records the rows that were harmed in Redis, and when: the list of their writers was evicted, flushed or
 * damaged, or may have been. Only such rows are exempt from the second promise of the protocol.
 */
export class TouchedMetadata {
  readonly #begun = new Int32Array(ROWS);
  readonly #underWay = new Int32Array(ROWS);

  /** Counts these rows as harmed until the fault has ended. */
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
