import { setImmediate } from 'node:timers/promises';
import { sendInChunks } from '../batch/chunks.js';
import type { RedisClient } from '../connection/options/options.js';
import { RedisBatchException } from '../errors/redis-batch.exception.js';
import { RedisException } from '../errors/redis.exception.js';

/** The event loop turns after so long: a chunk of large entities takes half a second to write as JSON. */
const LONGEST_WORK_MS = 5;

/**
 * Does the same for several entities, a chunk at a time, and lets each of them fail for itself.
 *
 * @param entries id and item by key
 * @returns the result of each, by id
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
  const attempt = async (key: string): Promise<void> => {
    const [id, item] = entries.get(key) as readonly [Id, Item];
    try {
      results.set(id, await work(item, key));
    } catch (error) {
      if (!(error instanceof RedisException)) throw error; // of the application's own code
      errors.set(key, error);
    }
  };
  await sendInChunks(client, entries.keys(), errors, async (chunk) => {
    const attempts: Promise<void>[] = [];
    let since = performance.now();
    for (const key of chunk) {
      const attempted = attempt(key);
      attempted.catch(() => undefined); // looked at below, after the pauses
      attempts.push(attempted);
      if (performance.now() - since < LONGEST_WORK_MS) continue;
      await setImmediate();
      since = performance.now();
    }
    await Promise.all(attempts);
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
