import type { Connection } from '../../connection/connection.js';
import { isCluster } from '../../connection/driver/hash-slots.js';
import type { EntityIndexes } from '../indexes/entity-indexes.js';
import type { IndexCleaner } from '../indexes/index-cleaner.js';
import { UniqueConflicts } from '../indexes/ownership.js';
import { AtomicCommit } from './atomic-commit.js';
import type { EntityWriter } from './entity-writer.js';
import { IndexedWriter } from './indexed-writer.js';
import { PlainWriter } from './plain-writer.js';
import { StagedCommit } from './staged-commit.js';
import { TellingWriter } from './telling-writer.js';

interface WriterParts {
  readonly connection: Connection;
  readonly kind: string;
  readonly indexes: EntityIndexes;
  readonly cleaner: IndexCleaner;
  readonly keyOf: (id: string) => string;
}

/**
 * The writer that an entity needs: where one server holds every key, one script writes entity and
 * index entries; in a cluster they are written in stages. It tells of each change of a version.
 *
 * @internal
 */
export function createWriter(parts: WriterParts): EntityWriter {
  const { connection, indexes } = parts;
  const writer = indexes.isEmpty ? new PlainWriter(connection) : createIndexedWriter(parts);
  return new TellingWriter(connection, writer);
}

function createIndexedWriter(parts: WriterParts): EntityWriter {
  const { connection, kind, indexes, cleaner, keyOf } = parts;
  const { client } = connection;
  const conflicts = new UniqueConflicts(client, kind, keyOf);
  const commit = isCluster(client)
    ? new StagedCommit(client, indexes, conflicts, cleaner)
    : new AtomicCommit(client, conflicts);
  return new IndexedWriter(connection, indexes, commit, cleaner);
}
