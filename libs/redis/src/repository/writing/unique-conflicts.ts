import type { RedisClient } from '../../connection/options/options.js';
import { RedisConflictException } from '../../errors/redis-conflict.exception.js';
import { isPending, ownerOf, type Claim } from '../indexes/claim.js';
import { isStale, type IndexEntry } from '../indexes/entity-indexes.js';
import { readStored } from '../indexes/read-stored.js';

/**
 * Decides what a claim of somebody else means. One whose entity expired, was deleted past us or has
 * another value by now may be taken over; the taker says which claim it saw, so that one that was
 * renewed meanwhile stays.
 *
 * @internal
 */
export class UniqueConflicts {
  readonly #client: RedisClient;
  readonly #kind: string;
  readonly #keyOf: (id: string) => string;

  constructor(client: RedisClient, kind: string, keyOf: (id: string) => string) {
    this.#client = client;
    this.#kind = kind;
    this.#keyOf = keyOf;
  }

  /**
   * Returns if the claim may be taken over. One round trip.
   *
   * @throws RedisConflictException if its owner has the value, or is about to
   */
  async settle(entry: IndexEntry, claim: Claim): Promise<void> {
    if (isPending(claim)) throw this.conflict(entry);
    const owner = ownerOf(claim);
    if (owner === '') return;
    const stored = await readStored(this.#client, this.#keyOf(owner));
    if (!isStale(stored, entry)) throw this.conflict(entry);
  }

  conflict({ key, property }: IndexEntry): RedisConflictException {
    return new RedisConflictException(
      key,
      `another ${this.#kind} has this ${property}, and it is unique`,
      { property },
    );
  }
}
