import { randomBytes } from 'node:crypto';
import type { RedisClient } from '../../connection/options/options.js';
import { RedisConflictException } from '../../errors/redis-conflict.exception.js';
import { readStored } from '../lua.js';
import { isStale, type IndexEntry } from './entity-indexes.js';

/**
 * The record at the key of a unique value: `<token>:<reserved until>:<id of the owner>`. A save that is
 * under way reserves the value for its entity up to a time in milliseconds, in 13 digits; a settled record
 * is reserved until 0. After that time it holds only while its entity exists and has this value: another
 * entity may take the value over otherwise. Every save writes a token of its own, so that a record can
 * be replaced or removed on condition that it is still the one that was looked at.
 */
export type Ownership = string;

const SETTLED = '0'.repeat(13);

/** The token, the time and two colons. */
const PREFIX_LENGTH = 16 + 1 + SETTLED.length + 1;

export function newToken(): string {
  return randomBytes(8).toString('hex');
}

export function settledOwnership(token: string, id: string): Ownership {
  return `${token}:${SETTLED}:${id}`;
}

/** The id of the owner; `''` for a text that is no ownership. */
export function ownerOf(ownership: Ownership): string {
  return ownership.slice(PREFIX_LENGTH);
}

/** The same for scripts, and `is_reserved(ownership)`, which needs NOW. */
export const READ_OWNERSHIP = `
local function owner_of(ownership)
  return string.sub(ownership, ${PREFIX_LENGTH + 1})
end
local function is_reserved(ownership)
  return (tonumber(string.sub(ownership, 18, 30)) or 0) > now()
end
`;

/** The ownership of another entity, as it was found. */
export interface StandingOwnership {
  readonly ownership: Ownership;
  /** Whether a save that wants the value is under way. */
  readonly reserved: boolean;
}

/**
 * Decides whether an entity may take a unique value over from another one: from one that expired, was
 * deleted by other programs, or has another value by now. The taker names the ownership that it saw, so
 * that one that was renewed meanwhile stays.
 *
 * @internal
 */
export class UniqueConflicts {
  readonly #client: RedisClient;
  readonly #kind: string;
  readonly #keyOf: (id: string) => string;

  /** @param keyOf the key of the entity that an ownership names */
  constructor(client: RedisClient, kind: string, keyOf: (id: string) => string) {
    this.#client = client;
    this.#kind = kind;
    this.#keyOf = keyOf;
  }

  /**
   * Returns if the value may be taken over. One round trip.
   *
   * @param key the entity that wants the value
   * @throws RedisConflictException if its owner has the value, or is about to
   */
  async settle(
    entry: IndexEntry,
    { ownership, reserved }: StandingOwnership,
    key: string,
  ): Promise<void> {
    if (reserved) throw this.conflict(entry, key);
    const owner = ownerOf(ownership);
    if (owner === '') return;
    const stored = await readStored(this.#client, this.#keyOf(owner));
    if (!isStale(stored, entry)) throw this.conflict(entry, key);
  }

  /** Names the property, and not the value: that belongs to another entity. */
  conflict({ property }: IndexEntry, key: string): RedisConflictException {
    const conflict = `another ${this.#kind} has its ${property}, which is unique`;
    return new RedisConflictException(key, conflict, { property });
  }
}
