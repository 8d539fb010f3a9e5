import type { RedisClient } from '../connection/options/options.js';
import { connectionOf } from '../connection/connection.js';
import type { RedisException } from '../errors/redis.exception.js';

/**
 * Sends a command for each item in one tick: one write, and one round trip, to each node. Waits for
 * all of them; each has its own failure.
 *
 * @returns in the order of `items`
 * @internal
 */
export async function sendEach<Item, Reply>(
  client: RedisClient,
  items: readonly Item[],
  send: (item: Item) => Promise<Reply>,
): Promise<(Reply | RedisException)[]> {
  const outcomes = await Promise.allSettled(items.map(send));
  return outcomes.map((outcome) =>
    outcome.status === 'fulfilled'
      ? outcome.value
      : connectionOf(client).exceptionOf(outcome.reason),
  );
}

/**
 * The keys that did not fail; worked out only when others did.
 *
 * @internal
 */
export function doneOf(
  keys: Iterable<string>,
  errors: ReadonlyMap<string, RedisException>,
): Map<string, true> {
  const done = new Map<string, true>();
  for (const key of keys) if (!errors.has(key)) done.set(key, true);
  return done;
}
