import { multiGet, type Reading } from '../../batch/multi-get.js';
import { RedisScript } from '../../connection/keyspace/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { asRedisException } from '../../connection/translation/as-redis-exception.js';
import { isPending, ownerOf } from './claim.js';
import { hasValue, type IndexEntry } from './entity-indexes.js';

/** An entry as it was when somebody looked at it. */
export interface SeenEntry {
  readonly entry: IndexEntry;
  readonly id: string;
  /** Its claim, or its score: different after every write. */
  readonly version: string;
}

/**
 * Removes index entries that point to nothing. Never does so on a guess: an entry is looked at, then
 * its entity, and it goes only if it is still the entry that was looked at. A save that wants it
 * meanwhile writes a new version, and keeps it.
 *
 * Nothing depends on this being done, since every entry is verified when it is read: so a failure of
 * Redis is not reported, and the entry waits for the next reader or for its expiry.
 *
 * @internal
 */
export class IndexCleaner {
  readonly #client: RedisClient;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** Removes those of the entries that the entity does not have (any more). Three round trips. */
  async clean(id: string, entityKey: string, entries: readonly IndexEntry[]): Promise<void> {
    if (entries.length === 0) return;
    await this.#tolerantly(async () => {
      const seen = await this.#look(id, entries);
      const [stored] = await multiGet(this.#client, [entityKey]); // after looking: see above
      if (stored === undefined) return;
      await this.#removeAll(seen.filter(({ entry }) => isStale(stored, entry)));
    });
  }

  /** Removes entries that were just found to be stale. One round trip. */
  async remove(seen: readonly SeenEntry[]): Promise<void> {
    if (seen.length > 0) await this.#tolerantly(() => this.#removeAll(seen));
  }

  async #look(id: string, entries: readonly IndexEntry[]): Promise<SeenEntry[]> {
    const found = await Promise.all(
      entries.map(async (entry) => {
        const version = entry.unique
          ? await this.#client.get(entry.key)
          : await this.#client.zscore(entry.key, id);
        return version === null ? [] : [{ entry, id, version }];
      }),
    );
    return found.flat().filter(({ entry, version }) => !entry.unique || ownerOf(version) === id);
  }

  async #removeAll(seen: readonly SeenEntry[]): Promise<void> {
    // A pending claim belongs to a save that is under way, and ends by itself.
    const settled = seen.filter(({ entry, version }) => !entry.unique || !isPending(version));
    await Promise.all(
      settled.map(({ entry, id, version }) =>
        entry.unique
          ? REMOVE_CLAIM.run(this.#client, [entry.key], [version])
          : REMOVE_ENTRY.run(this.#client, [entry.key], [id, version]),
      ),
    );
  }

  async #tolerantly(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      asRedisException(error, this.#client); // throws what is not Redis's
    }
  }
}

/** Whether an entity that was read this way does not have the value; unknown counts as having it. */
export function isStale(stored: Reading, entry: IndexEntry): boolean {
  return stored === null || (typeof stored === 'string' && hasValue(stored, entry) === false);
}

/** KEYS: claim. ARGV: the claim as it was seen. */
export const REMOVE_CLAIM = new RedisScript(`
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
`);

/** KEYS: sorted set. ARGV: id, its score as it was seen. */
const REMOVE_ENTRY = new RedisScript(`
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if score and tonumber(score) == tonumber(ARGV[2]) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
`);
