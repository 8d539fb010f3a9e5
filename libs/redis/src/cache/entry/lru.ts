/**
 * Keeps the values of names that are in use: an LRU of two generations, as quick-lru has it
 * (https://github.com/sindresorhus/quick-lru), in which values may differ in weight.
 *
 * When the younger generation is full it becomes the older one, and what was the older one is dropped. A
 * value of the older generation that is asked for moves to the younger one.
 *
 * @internal
 */
export class Remembered<T> {
  readonly #most: number;
  readonly #weigh: (value: T) => number;
  #weight = 0;
  #latest = new Map<string, T>();
  #older: ReadonlyMap<string, T> = new Map();

  /** @param most how much the values of one generation may weigh together */
  constructor(most: number, weigh: (value: T) => number = () => 1) {
    this.#most = most;
    this.#weigh = weigh;
  }

  get(name: string): T | undefined {
    const latest = this.#latest.get(name);
    if (latest !== undefined) return latest;
    const older = this.#older.get(name);
    if (older !== undefined) this.set(name, older);
    return older;
  }

  set(name: string, value: T): T {
    if (this.#weight >= this.#most) {
      this.#older = this.#latest;
      this.#latest = new Map();
      this.#weight = 0;
    }
    const replaced = this.#latest.get(name);
    this.#weight += this.#weigh(value) - (replaced === undefined ? 0 : this.#weigh(replaced));
    this.#latest.set(name, value);
    return value;
  }
}
