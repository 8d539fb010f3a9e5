import type { Connection } from '../../connection/connection.js';
import { NOW } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import { EXPIRE_WITH_LAST, readStored } from '../lua.js';
import { endsOf, isStale, memberOf, type IndexEntry } from './entity-indexes.js';
import { ownerOf, READ_OWNERSHIP } from './ownership.js';

/** An entry as it was when it was looked at. */
interface SeenEntry {
  readonly entry: IndexEntry;
  /** Its ownership, or its score: another one after every write. `''` for an entry of a range without one. */
  readonly version: string;
}

/**
 * Removes index entries that point to nothing. It never removes one on a guess: it looks at an entry, then
 * at its entity, and removes the entry only if it is still the one that it looked at. A save that wants
 * the entry meanwhile writes a new version, and keeps it.
 *
 * Nothing depends on the removal, since every entry is verified when it is read. A failure of Redis is
 * therefore not reported: the entry waits for the next reader or for its expiry.
 *
 * @internal
 */
export class IndexCleaner {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Removes those of the entries that the entity does not have (any more). Three round trips. */
  async clean(id: string, entityKey: string, entries: readonly IndexEntry[]): Promise<void> {
    if (entries.length === 0) return;
    try {
      const seen = await this.#look(id, entries);
      if (seen.length === 0) return;
      const stored = await readStored(this.#connection.client, entityKey); // after looking: see above
      const stale = seen.filter(({ entry }) => isStale(stored, entry));
      await Promise.all(stale.map((entry) => this.#remove(id, entry)));
    } catch (error) {
      this.#connection.exceptionOf(error); // throws what is not Redis's
    }
  }

  async #look(id: string, entries: readonly IndexEntry[]): Promise<SeenEntry[]> {
    const versions = await Promise.all(entries.map((entry) => this.#versionOf(id, entry)));
    return entries.flatMap((entry, i) => {
      const version = versions[i] ?? null;
      if (version === null) return [];
      const isOthers = entry.kind === 'unique' && ownerOf(version) !== id;
      return isOthers ? [] : [{ entry, version }];
    });
  }

  async #versionOf(id: string, entry: IndexEntry): Promise<string | null> {
    const { client } = this.#connection;
    switch (entry.kind) {
      case 'unique':
        return client.get(entry.key);
      case 'set':
        return client.zscore(entry.key, id);
      case 'range': // its end may have been evicted alone
        return (await client.zscore(endsOf(entry), memberOf(entry, id))) ?? '';
    }
  }

  async #remove(id: string, { entry, version }: SeenEntry): Promise<void> {
    const { client } = this.#connection;
    const { kind, key } = entry;
    switch (kind) {
      case 'unique':
        await REMOVE_OWNERSHIP.run(client, [key], [version]);
        break;
      case 'set':
        await REMOVE_ENTRY.run(client, [key], [id, version]);
        break;
      case 'range':
        await REMOVE_RANGE_ENTRY.run(client, [key, endsOf(entry)], [memberOf(entry, id), version]);
    }
  }
}

/**
 * One that is reserved belongs to a save that is under way. KEYS: ownership. ARGV: the ownership as it was
 * seen.
 */
const REMOVE_OWNERSHIP = new RedisScript(`
${NOW}
${READ_OWNERSHIP}
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

/** KEYS: range, its ends. ARGV: member, its score as it was seen or ''. */
const REMOVE_RANGE_ENTRY = new RedisScript(`
${EXPIRE_WITH_LAST}
local score = redis.call('ZSCORE', KEYS[2], ARGV[1]) or ''
if score ~= ARGV[2] and (score == '' or tonumber(score) ~= tonumber(ARGV[2])) then return 0 end
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('ZREM', KEYS[2], ARGV[1])
expire_with_last(KEYS[2], KEYS[1])
return 1
`);
