/**
 * @module batch Many keys in few round trips: what is read, written, counted or deleted in bulk, and
 * the reads that merely happen at the same time.
 */
import { groupBySlot, isCluster } from '../connection/driver/hash-slots.js';
import { readKeys, sendsAsItIs, writeKey } from '../connection/driver/written-mget.js';
import type { RedisClient } from '../connection/options/options.js';
import { connectionOf } from '../connection/connection.js';
import { TOO_MANY_REDIRECTIONS } from '../connection/driver/failures/classify-error.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisCommandException } from '../errors/redis-command.exception.js';
import { RedisPermissionException } from '../errors/redis-permission.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';

/** What is stored at a key, `null` if nothing is, or why that could not be found out. */
export type Reading<Stored = string> = Stored | null | RedisException;

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
  const readTexts = async (some: readonly string[]): Promise<(string | null)[]> => {
    if (!sendsAsItIs(client)) return client.mget(some as string[]);
    const found = await readKeys(client, some, some.map(writeKey).join(''));
    return found.map((bytes) => bytes?.toString() ?? null);
  };
  const readTogether = (some: readonly string[]) => oneByOneIfItHelps(client, some, readTexts);
  if (!isCluster(client)) return keys.length === 0 ? [] : readTogether(keys);
  const groups = groupBySlot(client, keys);
  if (groups.length === 1) return readTogether(keys);
  const readings = new Map<string, Reading>();
  await Promise.all(
    groups.map(async (group) => {
      const found = await readTogether(group);
      group.forEach((key, i) => readings.set(key, found[i] ?? null));
    }),
  );
  return keys.map((key) => readings.get(key) ?? null);
}

/**
 * Reads keys that one command may name together, as they are stored: values need not be text.
 *
 * Never rejects for Redis's failures: each key has its own.
 *
 * @param write how the keys stand in a command
 * @returns in the order of `keys`
 * @internal
 */
export function readBytesTogether(
  client: RedisClient,
  keys: readonly string[],
  write: () => string,
): Promise<Reading<Buffer>[]> {
  return oneByOneIfItHelps(client, keys, (some) => {
    if (!sendsAsItIs(client)) return client.mgetBuffer(some as string[]);
    return readKeys(client, some, some === keys ? write() : some.map(writeKey).join(''));
  });
}

/** With one command for all keys; where that fails and may be the fault of one of them, with one for each. */
async function oneByOneIfItHelps<Stored>(
  client: RedisClient,
  keys: readonly string[],
  read: (keys: readonly string[]) => Promise<(Stored | null)[]>,
): Promise<Reading<Stored>[]> {
  try {
    return await read(keys);
  } catch (error) {
    const exception = connectionOf(client).exceptionOf(error);
    if (keys.length === 1 || !mayBeOneKeysFault(exception)) return keys.map(() => exception);
    const readings = await Promise.all(keys.map((key) => oneByOneIfItHelps(client, [key], read)));
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
