import { sendInChunks } from '../../batch/chunks.js';
import { multiGet, type Reading } from '../../batch/multi-get.js';
import type { RedisClient } from '../../connection/options/options.js';
import type { RedisException } from '../../errors/redis.exception.js';
import { ownerOf } from './claim.js';
import { hasValue, type Criterion, type IndexEntry } from './entity-indexes.js';
import type { IndexCleaner, SeenEntry } from './index-cleaner.js';

/** What was found through an index: verified, or why it could not be. */
export interface Found {
  readonly id: string;
  readonly key: string;
  readonly reading: Exclude<Reading, null>;
}

/**
 * Finds entities by their index entries. What an entry points to is read and compared, so that an
 * expired, deleted or changed entity never comes back through an index; such entries are removed.
 *
 * @internal
 */
export class IndexReader {
  readonly #client: RedisClient;
  readonly #cleaner: IndexCleaner;
  readonly #keyOf: (id: string) => string;

  constructor(client: RedisClient, cleaner: IndexCleaner, keyOf: (id: string) => string) {
    this.#client = client;
    this.#cleaner = cleaner;
    this.#keyOf = keyOf;
  }

  /** Two round trips, and one more for each further 500 entries; one more when something is stale. */
  async find(entry: IndexEntry, criteria: readonly Criterion[]): Promise<Found[]> {
    const entries = entry.unique ? await this.#owner(entry) : await this.#members(entry);
    const seenAt = new Map(entries.map((seen) => [this.#keyOf(seen.id), seen]));
    const found: Found[] = [];
    const failed = new Map<string, RedisException>();
    await sendInChunks(this.#client, seenAt.keys(), failed, async (keys) => {
      const readings = await multiGet(this.#client, keys);
      const stale: SeenEntry[] = [];
      keys.forEach((key, i) => {
        const seen = seenAt.get(key) as SeenEntry;
        const reading = readings[i] ?? null;
        if (reading === null || differs(reading, entry)) stale.push(seen);
        else if (!criteria.some((criterion) => differs(reading, criterion))) {
          found.push({ id: seen.id, key, reading });
        }
      });
      await this.#cleaner.remove(stale);
    });
    for (const [key, reading] of failed)
      found.push({ id: seenAt.get(key)?.id ?? '', key, reading });
    return found;
  }

  async #owner(entry: IndexEntry): Promise<SeenEntry[]> {
    const claim = await this.#client.get(entry.key);
    return claim === null ? [] : [{ entry, id: ownerOf(claim), version: claim }];
  }

  async #members(entry: IndexEntry): Promise<SeenEntry[]> {
    const reply = await this.#client.zrange(entry.key, '0', '-1', 'WITHSCORES');
    const seen: SeenEntry[] = [];
    for (let i = 0; i < reply.length; i += 2) {
      seen.push({ entry, id: reply[i] ?? '', version: reply[i + 1] ?? '' });
    }
    return seen;
  }
}

/** Text that cannot be read differs from nothing: whoever asked is told that it cannot be read. */
function differs(reading: Exclude<Reading, null>, criterion: Criterion): boolean {
  return typeof reading === 'string' && hasValue(reading, criterion) === false;
}
