import { groupBySlot, isCluster } from '../connection/driver/hash-slots.js';
import { ReadValues, type StoredValues } from '../connection/driver/replies/stored-reply.js';
import { readKeys, sendsAsItIs, writeArgs } from '../connection/driver/written-command.js';
import type { Connection } from '../connection/connection.js';
import { TOO_MANY_REDIRECTIONS } from '../connection/driver/failures/classify-error.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisCommandException } from '../errors/redis-command.exception.js';
import { RedisPermissionException } from '../errors/redis-permission.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';

/** The text at a key, `null` if there is none, or why it could not be read. */
export type Reading = string | null | RedisException;

/**
 * Reads keys with one MGET; in a cluster with one for each hash slot, sent together. One round trip
 * to each node. A key of another type than string reads as `null` (https://redis.io/docs/latest/commands/mget/).
 *
 * Never rejects for Redis's failures: each key has its own.
 *
 * @returns in the order of `keys`; for those who parse the texts and drop them, because each keeps all others
 * in memory
 * @internal
 */
export async function multiGet(
  connection: Connection,
  keys: readonly string[],
): Promise<Reading[]> {
  const { client } = connection;
  if (!isCluster(client)) return keys.length === 0 ? [] : readTexts(connection, keys);
  const groups = groupBySlot(client, keys);
  if (groups.length === 1) return readTexts(connection, keys);
  const readings = new Map<string, Reading>();
  await Promise.all(
    groups.map(async (group) => {
      const found = await readTexts(connection, group);
      group.forEach((key, i) => readings.set(key, found[i] ?? null));
    }),
  );
  return keys.map((key) => readings.get(key) ?? null);
}

async function readTexts(connection: Connection, keys: readonly string[]): Promise<Reading[]> {
  const { client } = connection;
  const { stored, failures } = await oneByOneIfItHelps(connection, keys, async (some) =>
    sendsAsItIs(client)
      ? readKeys(client, some, writeArgs(some))
      : new ReadValues(await client.mget(some as string[])),
  );
  const texts = new Array<Reading>(keys.length);
  for (let i = 0; i < keys.length; i++) texts[i] = failures?.[i] ?? stored.passingTextAt(i);
  return texts;
}

/** The values at some keys, and why some of them could not be read. */
export interface Readings {
  readonly stored: StoredValues;
  /** Absent if all could be read. */
  readonly failures?: readonly (RedisException | undefined)[];
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
): Promise<Readings> {
  const { client } = connection;
  return oneByOneIfItHelps(connection, keys, async (some) =>
    sendsAsItIs(client)
      ? readKeys(client, some, some === keys ? write() : writeArgs(some))
      : new ReadValues(await client.mgetBuffer(some as string[])),
  );
}

/** Reads with one command for all keys; if that fails and one of them may be the cause, with one for each. */
async function oneByOneIfItHelps(
  connection: Connection,
  keys: readonly string[],
  read: (keys: readonly string[]) => Promise<StoredValues>,
): Promise<Readings> {
  try {
    return { stored: await read(keys) };
  } catch (error) {
    const exception = connection.exceptionOf(error);
    if (keys.length === 1 || !mayBeOneKeysFault(exception)) {
      return { stored: new ReadValues([]), failures: keys.map(() => exception) };
    }
    const each = await Promise.all(keys.map((key) => oneByOneIfItHelps(connection, [key], read)));
    return {
      stored: new ReadValues(each.map(({ stored }) => stored.bytesAt(0))),
      failures: each.map(({ failures }) => failures?.[0]),
    };
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
