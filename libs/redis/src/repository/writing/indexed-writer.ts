import type { Connection } from '../../connection/connection.js';
import { READ_TEXT } from '../../connection/driver/lua.js';
import { RedisScript } from '../../connection/driver/redis-script.js';
import { versionBeside } from '../../keys/sibling.js';
import { byKind, type EntityIndexes } from '../indexes/entity-indexes.js';
import type { IndexCleaner } from '../indexes/index-cleaner.js';
import type { Commit, EntityWrite, EntityWriter, Outcome } from './entity-writer.js';

/**
 * Writes entities that can be found by other values than their id. Entries are added with the entity
 * or before it, and removed after it: an entity that was saved is found, and what is found is verified.
 *
 * @internal
 */
export class IndexedWriter implements EntityWriter {
  readonly #connection: Connection;
  readonly #indexes: EntityIndexes;
  readonly #commit: Commit;
  readonly #cleaner: IndexCleaner;

  constructor(
    connection: Connection,
    indexes: EntityIndexes,
    commit: Commit,
    cleaner: IndexCleaner,
  ) {
    this.#connection = connection;
    this.#indexes = indexes;
    this.#commit = commit;
    this.#cleaner = cleaner;
  }

  write(write: EntityWrite): Promise<Outcome> {
    return this.#connection.run(() => this.#write(write));
  }

  remove(id: string, key: string): Promise<boolean> {
    return this.#connection.run(() => this.#remove(id, key));
  }

  async #write(write: EntityWrite): Promise<Outcome> {
    const entries = this.#indexes.entriesFor(write.text);
    const committed = await this.#commit.commit(write, byKind(entries));
    if (!committed.written) return committed;
    const lost = this.#indexes.entriesLost(committed.previous, entries);
    await this.#cleaner.clean(write.id, write.key, lost);
    return { written: true };
  }

  async #remove(id: string, key: string): Promise<boolean> {
    const reply = await REMOVE.run(this.#connection.client, [key, versionBeside(key)], []);
    const [existed, previous] = reply as [0 | 1, string | null];
    await this.#cleaner.clean(id, key, this.#indexes.entriesOf(previous));
    return existed === 1;
  }
}

/** KEYS: entity, version. */
const REMOVE = new RedisScript(`
${READ_TEXT}
local previous = read_text(KEYS[1])
local existed = redis.call('UNLINK', KEYS[1])
redis.call('UNLINK', KEYS[2])
return {existed, previous}
`);
