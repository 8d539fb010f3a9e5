import type { Cluster } from 'ioredis';

/** The servers of a slot, its owner first. Absent where no server has the slot. */
type Servers = readonly string[];

/**
 * Remembers which server owns which hash slot of a cluster, to tell what has moved.
 *
 * @internal
 */
export class SlotOwners {
  #owners: (string | undefined)[] = [];

  /** The addresses of all owners. */
  get addresses(): ReadonlySet<string> {
    const found = new Set<string>();
    let latest: string | undefined; // slots come in long rows of one owner
    for (const owner of this.#owners) {
      if (owner === latest || owner === undefined) continue;
      latest = owner;
      found.add(owner);
    }
    return found;
  }

  /**
   * Takes over what a cluster client knows now.
   *
   * @returns the slots whose owner is another one than before; none the first time
   */
  learn({ slots }: Pick<Cluster, 'slots'>): ReadonlySet<number> {
    const before = this.#owners;
    this.#owners = Array.from<Servers | undefined, string | undefined>(
      slots,
      (servers) => servers?.[0],
    );
    const moved = new Set<number>();
    for (let slot = 0; slot < before.length; slot++) {
      if (before[slot] !== this.#owners[slot]) moved.add(slot);
    }
    return moved;
  }
}
