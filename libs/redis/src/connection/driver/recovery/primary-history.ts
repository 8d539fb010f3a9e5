import { printAddress } from '../../../errors/print-address.js';
import type { RedisAddress } from '../../options/options.js';

interface Known {
  readonly address: RedisAddress;
  readonly epoch: number;
}

/**
 * Knows which addresses have been the primary, in which order. Sentinels number their switches (the
 * configuration epoch): of two that disagree, the one with the higher number is right.
 *
 * @internal
 */
export class PrimaryHistory {
  readonly #known = new Map<string, Known>();

  /** Notes the answer of a sentinel. */
  learn(address: RedisAddress, epoch: number): void {
    const known = this.#known.get(printAddress(address));
    if (!known || known.epoch < epoch) this.#known.set(printAddress(address), { address, epoch });
  }

  /** Notes the announcement of a switch. Its number is not announced, and is above all others. */
  switch(from: RedisAddress, to: RedisAddress): void {
    this.learn(from, 0);
    this.#known.set(printAddress(to), { address: to, epoch: (this.#latest()?.epoch ?? 0) + 1 });
  }

  /** Forgets an address that cannot be reached, or is no primary. */
  forget(address: RedisAddress): void {
    this.#known.delete(printAddress(address));
  }

  /** The address that took this one's place; `undefined` if none is known to. */
  successorOf(address: RedisAddress): RedisAddress | undefined {
    const known = this.#known.get(printAddress(address));
    const latest = this.#latest();
    return known && latest && latest.epoch > known.epoch ? latest.address : undefined;
  }

  #latest(): Known | undefined {
    let latest: Known | undefined;
    for (const known of this.#known.values()) {
      if (!latest || known.epoch > latest.epoch) latest = known;
    }
    return latest;
  }
}

/** @internal */
export function isSame(one: RedisAddress | undefined, other: RedisAddress): boolean {
  return one !== undefined && printAddress(one) === printAddress(other);
}
