import { groupBySlot } from '../connection/driver/hash-slots.js';
import type { RedisClient } from '../connection/options/options.js';
import { connectionOf } from '../connection/connection.js';
import type { RedisException } from '../errors/redis.exception.js';
import { mayBeOneKeysFault } from './multi-key.js';

/** What became of the keys of one command. */
export interface Unlinking {
  readonly keys: readonly string[];
  /** How many of them existed, or why they could not be deleted. */
  readonly outcome: number | RedisException;
}

/**
 * Deletes keys with one UNLINK; in a cluster with one for each hash slot, sent together. One round
 * trip to each node. A command that fails because of one of its keys has deleted none of them
 * (Redis checks before it starts), so they are tried again one by one.
 *
 * Never rejects for Redis's failures.
 *
 * @internal
 */
export async function multiUnlink(
  client: RedisClient,
  keys: readonly string[],
): Promise<Unlinking[]> {
  const groups = groupBySlot(client, keys);
  return (await Promise.all(groups.map((group) => unlinkGroup(client, group)))).flat();
}

async function unlinkGroup(client: RedisClient, keys: string[]): Promise<Unlinking[]> {
  try {
    const reply: unknown = await client.unlink(...keys);
    return [{ keys, outcome: Number(reply) }]; // a client may be set to give numbers as strings
  } catch (error) {
    const outcome = connectionOf(client).exceptionOf(error);
    if (keys.length === 1 || !mayBeOneKeysFault(outcome)) return [{ keys, outcome }];
    return (await Promise.all(keys.map((key) => unlinkGroup(client, [key])))).flat();
  }
}
