import { countIn, parseInfo, type InfoFields } from './driver/info-fields.js';
import { ask, primariesOf, type Primary } from './driver/primaries.js';
import type { Connection } from './connection.js';
import { AclRefusals } from './acl-refusals.js';

/** How much memory a server needs, and how much it may have. */
export interface ServerMemory {
  readonly usedBytes: number;
  /** `maxmemory`; absent if there is no limit, or the server does not say. */
  readonly limitBytes?: number;
  /** Whether the server evicts any key when it is full (`maxmemory-policy` is `allkeys-*`) and refuses no write. */
  readonly evicts: boolean;
}

/**
 * Reads the memory of Redis; in a cluster that of the fullest primary, because a sum would hide it. Sends
 * one INFO to each primary, which connects the client to those that it has not used yet.
 *
 * @returns `undefined` if no server says, like an embedded one
 * @throws RedisConnectionException if a primary of a cluster is gone
 * @throws the driver's error; NOPERM again for ten minutes, in which the server is not asked
 * @internal
 */
export async function readServerMemory(connection: Connection): Promise<ServerMemory | undefined> {
  const primaries = await primariesOf(connection.client);
  const texts = await Promise.all(primaries.map((primary) => askForMemory(connection, primary)));
  const said = texts.flatMap((text) => memoryIn(parseInfo(String(text))) ?? []);
  return fullestOf(said.filter(({ usedBytes }) => usedBytes > 0)); // the embedded server says 0
}

function askForMemory(connection: Connection, primary: Primary): Promise<unknown> {
  const { client } = connection;
  const refused = connection.part(AclRefusals);
  return refused.ask(primary.node ?? client, 'INFO memory', () =>
    ask(client, primary, 'info', ['memory']),
  );
}

/** @returns `undefined` if the fields do not say */
export function memoryIn(fields: InfoFields): ServerMemory | undefined {
  const usedBytes = countIn(fields, 'used_memory');
  if (usedBytes === undefined) return undefined;
  const limitBytes = countIn(fields, 'maxmemory') ?? 0;
  const evicts = fields.get('maxmemory_policy')?.startsWith('allkeys-') === true;
  // A `maxmemory` of 0 is no limit.
  return limitBytes > 0 ? { usedBytes, limitBytes, evicts } : { usedBytes, evicts };
}

/** The memory of which the largest part is used; of those without a limit the largest. */
export function fullestOf(memories: readonly ServerMemory[]): ServerMemory | undefined {
  const [fullest] = [...memories].sort(
    (a, b) => fullnessOf(b) - fullnessOf(a) || b.usedBytes - a.usedBytes,
  );
  return fullest;
}

/** The part of its limit that a server uses; 0 without a limit. */
export function fullnessOf({ usedBytes, limitBytes }: ServerMemory): number {
  return limitBytes === undefined ? 0 : usedBytes / limitBytes;
}
