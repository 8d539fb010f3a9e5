/** The notes of a {@link Sieve} about a thing. They are in the thing: an object beside each takes memory, too. */
export interface Sieved<T> {
  readonly name: string;
  readonly bytes: number;
  /** Whether it was read since the hand has passed it. Its reader sets it. */
  wasRead: boolean;
  newer: T | undefined;
  older: T | undefined;
}

/** How many things that were read the hand passes before it takes one of them: a pause must be short. */
const LONGEST_WAY = 128;

/**
 * Keeps things by their names, and says which of them goes first when there are too many: SIEVE
 * (https://www.usenix.org/conference/nsdi24/presentation/zhang-yazhuo).
 *
 * They stand in the order in which they came. A hand goes from the oldest to the newest, and takes the first
 * one that was not read since it last came by. A read only leaves a mark, where an LRU moves the thing; and
 * what is read once does not drive out what is read again and again.
 *
 * @internal
 */
export class Sieve<T extends Sieved<T>> {
  readonly #byName = new Map<string, T>();
  readonly #dropped: (thing: T) => void;
  #newest: T | undefined;
  #oldest: T | undefined;
  /** Where the hand goes on; `undefined` for the oldest. */
  #hand: T | undefined;
  #bytes = 0;

  /** @param dropped hears of each thing that is not kept any more */
  constructor(dropped: (thing: T) => void) {
    this.#dropped = dropped;
  }

  get size(): number {
    return this.#byName.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  values(): IterableIterator<T> {
    return this.#byName.values();
  }

  get(name: string): T | undefined {
    return this.#byName.get(name);
  }

  /** Keeps a new thing, in place of one of the same name. */
  add(thing: T): void {
    const replaced = this.#byName.get(thing.name);
    if (replaced) this.#leave(replaced);
    this.#byName.set(thing.name, thing);
    this.#bytes += thing.bytes;
    thing.older = this.#newest;
    if (this.#newest) this.#newest.newer = thing;
    this.#newest = thing;
    this.#oldest ??= thing;
    if (replaced) this.#dropped(replaced);
  }

  delete(name: string): void {
    const thing = this.#byName.get(name);
    if (!thing) return;
    this.#byName.delete(name);
    this.#leave(thing);
    this.#dropped(thing);
  }

  /** Drops the thing whose turn it is. @returns whether there was one */
  evict(): boolean {
    let hand = this.#hand ?? this.#oldest;
    for (let i = 0; hand?.wasRead && i < LONGEST_WAY; i++) {
      hand.wasRead = false;
      hand = hand.newer ?? this.#oldest;
    }
    if (!hand) return false;
    this.#hand = hand;
    this.delete(hand.name);
    return true;
  }

  clear(): void {
    for (const name of [...this.#byName.keys()]) this.delete(name);
  }

  #leave(thing: T): void {
    const { newer, older } = thing;
    if (this.#hand === thing) this.#hand = newer;
    if (newer) newer.older = older;
    else this.#newest = older;
    if (older) older.newer = newer;
    else this.#oldest = newer;
    thing.newer = thing.older = undefined;
    this.#bytes -= thing.bytes;
  }
}
