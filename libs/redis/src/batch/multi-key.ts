import { groupBySlot, isCluster } from '../connection/driver/hash-slots.js';
import { readKeys, sendsAsItIs, writeKey } from '../connection/driver/written-mget.js';
import type { Connection } from '../connection/connection.js';
import { TOO_MANY_REDIRECTIONS } from '../connection/driver/failures/classify-error.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisCommandException } from '../errors/redis-command.exception.js';
import { RedisPermissionException } from '../errors/redis-permission.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';

/** The content of a key, `null` if there is none, or why it could not be read. */
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
export async function multiGet(
  connection: Connection,
  keys: readonly string[],
): Promise<Reading[]> {
  const { client } = connection;
  const readTexts = async (some: readonly string[]): Promise<(string | null)[]> => {
    if (!sendsAsItIs(client)) return client.mget(some as string[]);
    const found = await readKeys(client, some, some.map(writeKey).join(''));
    return found.map((bytes) => bytes?.toString() ?? null);
  };
  const readTogether = (some: readonly string[]) => oneByOneIfItHelps(connection, some, readTexts);
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
  connection: Connection,
  keys: readonly string[],
  write: () => string,
): Promise<Reading<Buffer>[]> {
  const { client } = connection;
  return oneByOneIfItHelps(connection, keys, (some) => {
    if (!sendsAsItIs(client)) return client.mgetBuffer(some as string[]);
    return readKeys(client, some, some === keys ? write() : some.map(writeKey).join(''));
  });
}

/** Reads with one command for all keys; if that fails and one of them may be the cause, with one for each. */
async function oneByOneIfItHelps<Stored>(
  connection: Connection,
  keys: readonly string[],
  read: (keys: readonly string[]) => Promise<(Stored | null)[]>,
): Promise<Reading<Stored>[]> {
  try {
    return await read(keys);
  } catch (error) {
    const exception = connection.exceptionOf(error);
    if (keys.length === 1 || !mayBeOneKeysFault(exception)) return keys.map(() => exception);
    const readings = await Promise.all(
      keys.map((key) => oneByOneIfItHelps(connection, [key], read)),
    );
    return readings.flat();
  }
}

/** The outcome for the keys of one command. */
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
  connection: Connection,
  keys: readonly string[],
): Promise<Unlinking[]> {
  const groups = groupBySlot(connection.client, keys);
  return (await Promise.all(groups.map((group) => unlinkGroup(connection, group)))).flat();
}

async function unlinkGroup(connection: Connection, keys: string[]): Promise<Unlinking[]> {
  try {
    const reply: unknown = await connection.client.unlink(...keys);
    return [{ keys, outcome: Number(reply) }]; // a client may be set to give numbers as strings
  } catch (error) {
    const outcome = connection.exceptionOf(error);
    if (keys.length === 1 || !mayBeOneKeysFault(outcome)) return [{ keys, outcome }];
    return (await Promise.all(keys.map((key) => unlinkGroup(connection, [key])))).flat();
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

/** Replies for a slot that is being moved; ioredis obeys TRYAGAIN itself until it was redirected too often. */
const MOVING: readonly string[] = ['TRYAGAIN', TOO_MANY_REDIRECTIONS];

/**
 * Sends a command for each item in one tick: one write, and one round trip, to each node. Waits for
 * all of them; each has its own failure.
 *
 * @returns in the order of `items`
 * @internal
 */
export async function sendEach<Item, Reply>(
  connection: Connection,
  items: readonly Item[],
  send: (item: Item) => Promise<Reply>,
): Promise<(Reply | RedisException)[]> {
  const outcomes = await Promise.allSettled(items.map(send));
  return outcomes.map((outcome) =>
    outcome.status === 'fulfilled' ? outcome.value : connection.exceptionOf(outcome.reason),
  );
}
