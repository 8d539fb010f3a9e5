import { RedisScript } from '../../connection/driver/redis-script.js';
import type { RedisClient } from '../../connection/options/options.js';
import { connectionOf } from '../../connection/connection.js';
import { ownerOf, READ_CLAIM } from './claim.js';
import { isStale, type IndexEntry } from './entity-indexes.js';
import { EXPIRE_WITH_LAST } from './expire-with-last.js';
import { readStored } from './read-stored.js';

/** An entry as it was when it was looked at. */
interface SeenEntry {
  readonly entry: IndexEntry;
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
    try {
      const seen = await this.#look(id, entries);
      if (seen.length === 0) return;
      const stored = await readStored(this.#client, entityKey); // after looking: see above
      const stale = seen.filter(({ entry }) => isStale(stored, entry));
      await Promise.all(stale.map((entry) => this.#remove(id, entry)));
    } catch (error) {
      connectionOf(this.#client).exceptionOf(error); // throws what is not Redis's
    }
  }

  async #look(id: string, entries: readonly IndexEntry[]): Promise<SeenEntry[]> {
    const versions = await Promise.all(
      entries.map(({ unique, key }) =>
        unique ? this.#client.get(key) : this.#client.zscore(key, id),
      ),
    );
    return entries.flatMap((entry, i) => {
      const version = versions[i] ?? null;
      if (version === null) return [];
      const isOthers = entry.unique && ownerOf(version) !== id;
      return isOthers ? [] : [{ entry, version }];
    });
  }

  async #remove(id: string, { entry: { unique, key }, version }: SeenEntry): Promise<void> {
    if (unique) await REMOVE_CLAIM.run(this.#client, [key], [version]);
    else await REMOVE_ENTRY.run(this.#client, [key], [id, version]);
  }
}

/** One that is reserved belongs to a save that is under way. KEYS: claim. ARGV: the claim as it was seen. */
const REMOVE_CLAIM = new RedisScript(`
${READ_CLAIM}
local standing = redis.call('GET', KEYS[1])
if standing ~= ARGV[1] or is_reserved(standing) then return 0 end
return redis.call('DEL', KEYS[1])
`);

/** KEYS: sorted set. ARGV: id, its score as it was seen. */
const REMOVE_ENTRY = new RedisScript(`
${EXPIRE_WITH_LAST}
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
expire_with_last(KEYS[1])
return 1
`);
