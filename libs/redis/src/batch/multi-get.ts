/**
 * @module batch Many keys in few round trips: what is read, written, counted or deleted in bulk, and
 * the reads that merely happen at the same time.
 */
import { groupBySlot, isCluster } from '../connection/keyspace/hash-slots.js';
import { readKeys, sendsAsItIs, writeKey } from '../connection/commands/read-keys.js';
import type { RedisClient } from '../connection/options/options.js';
import { asRedisException } from '../connection/translation/as-redis-exception.js';
import { TOO_MANY_REDIRECTIONS } from '../connection/translation/classify-error.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisCommandException } from '../errors/redis-command.exception.js';
import { RedisPermissionException } from '../errors/redis-permission.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';

/** What is stored at a key, `null` if nothing is, or why that could not be found out. */
export type Reading = string | null | RedisException;

/**
 * Reads keys with one MGET; in a cluster with one for each hash slot, sent together. One round trip
 * to each node. A key of another type than string reads as `null` (https://redis.io/docs/latest/commands/mget/).
 *
 * Never rejects for Redis's failures: each key has its own.
 *
 * @returns in the order of `keys`
 * @internal
 */
export async function multiGet(client: RedisClient, keys: readonly string[]): Promise<Reading[]> {
  if (!isCluster(client)) return keys.length === 0 ? [] : readTogether(client, keys);
  const groups = groupBySlot(client, keys);
  if (groups.length === 1) return readTogether(client, keys);
  const readings = new Map<string, Reading>();
  await Promise.all(
    groups.map(async (group) => {
      const found = await readTogether(client, group);
      group.forEach((key, i) => readings.set(key, found[i] ?? null));
    }),
  );
  return keys.map((key) => readings.get(key) ?? null);
}

/**
 * Reads keys that one command may name together.
 *
 * Never rejects for Redis's failures: each key has its own.
 *
 * @param write how the keys stand in a command, where that is known already
 * @returns in the order of `keys`
 * @internal
 */
export async function readTogether(
  client: RedisClient,
  keys: readonly string[],
  write = () => keys.map(writeKey).join(''),
): Promise<Reading[]> {
  try {
    if (!sendsAsItIs(client)) return await client.mget(keys as string[]);
    return await readKeys(client, keys, write());
  } catch (error) {
    const exception = asRedisException(error, client);
    if (keys.length === 1 || !mayBeOneKeysFault(exception)) return keys.map(() => exception);
    const readings = await Promise.all(keys.map((key) => readTogether(client, [key])));
    return readings.flat();
  }
}

/**
 * Whether the other keys of the same command may fare better alone: an ACL that forbids one of them,
 * or a hash slot that is being moved. In an outage asking again would only add to it.
 *
 * @internal
 */
export function mayBeOneKeysFault(exception: RedisException): boolean {
  return (
    exception instanceof RedisPermissionException ||
    exception instanceof RedisCommandException ||
    (exception instanceof RedisUnavailableException && MOVING.includes(exception.reply))
  );
}

/** What a moving slot says; ioredis obeys TRYAGAIN itself until it has been redirected too often. */
const MOVING: readonly string[] = ['TRYAGAIN', TOO_MANY_REDIRECTIONS];
