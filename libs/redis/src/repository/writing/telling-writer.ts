import type { Connection } from '../../connection/connection.js';
import { LocalChanges } from '../../connection/local-changes.js';
import { versionBeside } from '../../keys/sibling.js';
import type { TtlMs } from '../../time/ttl.js';
import type { EntityWrite, EntityWriter, Outcome } from './entity-writer.js';

/**
 * Tells which versions a write removes, before it is sent and after it is answered, so that the process
 * keeps no copy of what was made from the entity. All writes of a repository pass through here. Without a
 * listener it only passes them on: saves and updates are frequent.
 *
 * @internal
 */
export class TellingWriter implements EntityWriter {
  readonly expire?: (key: string, ttl: TtlMs) => Promise<boolean>;
  readonly #changes: LocalChanges;
  readonly #writer: EntityWriter;

  constructor(connection: Connection, writer: EntityWriter) {
    this.#changes = connection.part(LocalChanges);
    this.#writer = writer;
    const expire = writer.expire?.bind(writer);
    if (expire) this.expire = (key, ttl) => this.#tell(key, () => expire(key, ttl));
  }

  write(write: EntityWrite): Promise<Outcome> {
    if (!this.#changes.isHeard) return this.#writer.write(write);
    return this.#tell(write.key, () => this.#writer.write(write));
  }

  remove(id: string, key: string): Promise<boolean> {
    if (!this.#changes.isHeard) return this.#writer.remove(id, key);
    return this.#tell(key, () => this.#writer.remove(id, key));
  }

  #tell<T>(key: string, change: () => Promise<T>): Promise<T> {
    return this.#changes.around([versionBeside(key)], change);
  }
}
