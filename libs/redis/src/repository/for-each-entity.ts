import { sendInChunks } from '../batch/chunks.js';
import type { RedisClient } from '../connection/options/options.js';
import { RedisBatchException } from '../errors/redis-batch.exception.js';
import { RedisException } from '../errors/redis.exception.js';

/**
 * Does the same for several entities, a chunk at a time, and lets each of them fail for itself.
 *
 * @param entries id and item by key
 * @returns what came of each, by id
 * @throws RedisBatchException if some failed
 */
export async function forEachEntity<Id, Item, R>(
  client: RedisClient,
  operation: string,
  entries: ReadonlyMap<string, readonly [Id, Item]>,
  work: (item: Item, key: string) => Promise<R>,
): Promise<Map<Id, R>> {
  const results = new Map<Id, R>();
  const errors = new Map<string, RedisException>();
  await sendInChunks(client, entries.keys(), errors, async (chunk) => {
    await Promise.all(
      chunk.map(async (key) => {
        const [id, item] = entries.get(key) as readonly [Id, Item];
        try {
          results.set(id, await work(item, key));
        } catch (error) {
          if (!(error instanceof RedisException)) throw error; // of the application's own code
          errors.set(key, error);
        }
      }),
    );
  });
  if (errors.size > 0) throw new RedisBatchException(operation, byId(errors, entries), results);
  return results;
}

function byId<Id>(
  errors: ReadonlyMap<string, RedisException>,
  entries: ReadonlyMap<string, readonly [Id, unknown]>,
): Map<Id, RedisException> {
  return new Map([...errors].map(([key, error]) => [entries.get(key)?.[0] as Id, error]));
}
