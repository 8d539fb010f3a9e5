import { ReadList } from '../../batch/read-turn.js';
import { slotOf } from '../../connection/driver/hash-slots.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { Dependency } from './dependency.js';

/**
 * What a read names: each dependency once, in an order. Reads that name the same are given the same list,
 * so that what it takes to read and to compare sixteen tags is done once for all of them.
 *
 * @internal
 */
export class DependencyList {
  readonly all: readonly Dependency[];
  /** Where the versions are, in the order of the list; fingerprints are not read, but made. */
  readonly versions: ReadList;
  readonly #names: readonly KeyPart[];
  /** What was read of it last, and how an entry stands that was made of that. */
  #readings: readonly (string | null)[] = [];
  #block: string | undefined;
  #slots: readonly number[] | undefined;

  /** @param names the tags that it was made for, and nothing else */
  constructor(all: readonly Dependency[], names: readonly KeyPart[] = []) {
    this.all = all;
    this.versions = new ReadList(all.flatMap(({ read }) => read ?? []));
    this.#names = names;
  }

  /** The hash slots of everything in it, each once. */
  get slots(): readonly number[] {
    return (this.#slots ??= [...new Set(this.all.map(({ key }) => slotOf(key)))]);
  }

  /** Whether it was made for exactly these tags. */
  isOf(names: readonly KeyPart[]): boolean {
    const { length } = names;
    if (length !== this.#names.length) return false;
    for (let i = 0; i < length; i++) if (names[i] !== this.#names[i]) return false;
    return true;
  }

  /**
   * How an entry stands that was made of these versions and of nothing else.
   *
   * @param readings in the order of the list
   * @returns `undefined` if something is not there at all
   */
  blockOf(readings: readonly (string | null)[]): string | undefined {
    if (readings === this.#readings) return this.#block;
    if (this.#block === undefined || !this.#isAsBefore(readings))
      this.#block = this.#make(readings);
    this.#readings = readings;
    return this.#block;
  }

  /** Versions change rarely: to see that they have not takes less than to put them together. */
  #isAsBefore(readings: readonly (string | null)[]): boolean {
    const { length } = readings;
    for (let i = 0; i < length; i++) if (readings[i] !== this.#readings[i]) return false;
    return length === this.#readings.length;
  }

  #make(readings: readonly (string | null)[]): string | undefined {
    let block = '';
    for (let i = 0; i < this.all.length; i++) {
      const version = readings[i] ?? null;
      if (version === null) return undefined;
      block += `${this.all[i]?.label}\n${version}\n`;
    }
    return block;
  }
}
