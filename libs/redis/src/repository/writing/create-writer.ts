import { isCluster } from '../../connection/driver/hash-slots.js';
import type { RedisClient } from '../../connection/options/options.js';
import type { EntityIndexes } from '../indexes/entity-indexes.js';
import type { IndexCleaner } from '../indexes/index-cleaner.js';
import { UniqueConflicts } from '../indexes/ownership.js';
import { AtomicCommit } from './atomic-commit.js';
import type { EntityWriter } from './entity-writer.js';
import { IndexedWriter } from './indexed-writer.js';
import { PlainWriter } from './plain-writer.js';
import { StagedCommit } from './staged-commit.js';
import { TranslatingWriter } from './translating-writer.js';

interface WriterParts {
  readonly client: RedisClient;
  readonly kind: string;
  readonly indexes: EntityIndexes;
  readonly cleaner: IndexCleaner;
  readonly keyOf: (id: string) => string;
}

/**
 * The writer that an entity needs: where one server holds every key, one script writes entity and
 * index entries; in a cluster they are written in stages.
 *
 * @internal
 */
export function createWriter(parts: WriterParts): EntityWriter {
  const { client, indexes } = parts;
  return new TranslatingWriter(
    indexes.isEmpty ? new PlainWriter(client) : createIndexedWriter(parts),
    client,
  );
}

function createIndexedWriter({ client, kind, indexes, cleaner, keyOf }: WriterParts): EntityWriter {
  const conflicts = new UniqueConflicts(client, kind, keyOf);
  const commit = isCluster(client)
    ? new StagedCommit(client, indexes, conflicts, cleaner)
    : new AtomicCommit(client, conflicts);
  return new IndexedWriter(client, indexes, commit, cleaner);
}
