import type { RedisClient } from '../../connection/options/options.js';
import { RedisConflictException } from '../../errors/redis-conflict.exception.js';
import { ownerOf, type Claim } from '../indexes/claim.js';
import { isStale, type IndexEntry } from '../indexes/entity-indexes.js';
import { readStored } from '../indexes/read-stored.js';

/** A claim of somebody else's, as it was found. */
export interface StandingClaim {
  readonly claim: Claim;
  /** Whether a save that wants it is under way. */
  readonly reserved: boolean;
}

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

  /** @param keyOf the key of the entity that a claim names */
  constructor(client: RedisClient, kind: string, keyOf: (id: string) => string) {
    this.#client = client;
    this.#kind = kind;
    this.#keyOf = keyOf;
  }

  /**
   * Returns if the claim may be taken over. One round trip.
   *
   * @param key the entity that wants the value
   * @throws RedisConflictException if its owner has the value, or is about to
   */
  async settle(entry: IndexEntry, { claim, reserved }: StandingClaim, key: string): Promise<void> {
    if (reserved) throw this.conflict(entry, key);
    const owner = ownerOf(claim);
    if (owner === '') return;
    const stored = await readStored(this.#client, this.#keyOf(owner));
    if (!isStale(stored, entry)) throw this.conflict(entry, key);
  }

  /** Says which property, and not which value: that is somebody else's. */
  conflict({ property }: IndexEntry, key: string): RedisConflictException {
    const conflict = `another ${this.#kind} has its ${property}, which is unique`;
    return new RedisConflictException(key, conflict, { property });
  }
}
