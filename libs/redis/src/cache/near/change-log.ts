/** How many changes are known one by one, at least. A read rarely takes as long as so many changes. */
const MOST_KNOWN = 4_096;

/**
 * Remembers which keys were changed of late, so that a value that was read before a change is not kept after
 * it. Reads that began too long ago to tell count as outdated.
 *
 * @internal
 */
export class ChangeLog {
  /** Grows with each change. A read takes it down when it begins. */
  moment = 0;
  /** Changes up to this moment are not known one by one. */
  #forgottenUntil = 0;
  #latest = new Map<string, number>();
  #latestSince = 0;
  /** Those before. */
  #earlier: ReadonlyMap<string, number> = new Map();

  changed(key: string): void {
    if (this.#latest.size >= MOST_KNOWN) {
      this.#forgottenUntil = this.#latestSince;
      this.#earlier = this.#latest;
      this.#latest = new Map();
      this.#latestSince = this.moment;
    }
    this.#latest.set(key, ++this.moment);
  }

  /** Counts everything as changed. */
  allChanged(): void {
    this.#forgottenUntil = this.#latestSince = ++this.moment;
    this.#latest = new Map();
    this.#earlier = new Map();
  }

  /** Whether a key is certainly as it was read by a read that began at this moment. */
  isUnchanged(key: string, since: number): boolean {
    if (since < this.#forgottenUntil) return false;
    const changedAt = this.#latest.get(key) ?? this.#earlier.get(key) ?? 0;
    return changedAt <= since;
  }
}
