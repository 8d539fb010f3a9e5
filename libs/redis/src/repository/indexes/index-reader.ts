import { sendInChunks } from '../../batch/chunks.js';
import { multiGet, type Reading } from '../../batch/multi-key.js';
import type { Connection } from '../../connection/connection.js';
import { RedisException } from '../../errors/redis.exception.js';
import { hasValue, type Criterion, type IndexEntry } from './entity-indexes.js';
import type { IndexCleaner } from './index-cleaner.js';
import { ownerOf } from './ownership.js';

/** An entity that an index points to, as it is stored; or why it could not be read. */
export interface Indexed {
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
  readonly #connection: Connection;
  readonly #cleaner: IndexCleaner;
  readonly #keyOf: (id: string) => string;

  constructor(connection: Connection, cleaner: IndexCleaner, keyOf: (id: string) => string) {
    this.#connection = connection;
    this.#cleaner = cleaner;
    this.#keyOf = keyOf;
  }

  /** Two round trips, and one more for each further 500 ids; three more when something is stale. */
  find(entry: IndexEntry, criteria: readonly Criterion[]): Promise<Indexed[]> {
    return this.#connection.run(() => this.#find(entry, criteria));
  }

  async #find(entry: IndexEntry, criteria: readonly Criterion[]): Promise<Indexed[]> {
    const ids = entry.unique ? await this.#owner(entry) : await this.#members(entry);
    const idAt = new Map(ids.map((id) => [this.#keyOf(id), id]));
    const found: Indexed[] = [];
    const failed = new Map<string, RedisException>();
    await sendInChunks(this.#connection.client, idAt.keys(), failed, async (keys) => {
      const readings = await multiGet(this.#connection, keys);
      const cleaning: Promise<void>[] = [];
      keys.forEach((key, i) => {
        const id = idAt.get(key) as string;
        const reading = readings[i] ?? null;
        if (reading instanceof RedisException) {
          failed.set(key, reading);
        } else if (reading === null || differs(reading, entry)) {
          cleaning.push(this.#cleaner.clean(id, key, [entry]));
        } else if (!criteria.some((criterion) => differs(reading, criterion))) {
          found.push({ key, reading });
        }
      });
      await Promise.all(cleaning);
    });
    for (const [key, reading] of failed) found.push({ key, reading });
    return found;
  }

  async #owner(entry: IndexEntry): Promise<string[]> {
    const ownership = await this.#connection.client.get(entry.key);
    const owner = ownership === null ? '' : ownerOf(ownership);
    return owner === '' ? [] : [owner];
  }

  #members(entry: IndexEntry): Promise<string[]> {
    return this.#connection.client.zrange(entry.key, '0', '-1');
  }
}

/** Text that cannot be read differs from nothing: the caller is told that it cannot be read. */
function differs(text: string, criterion: Criterion): boolean {
  return hasValue(text, criterion) === false;
}
