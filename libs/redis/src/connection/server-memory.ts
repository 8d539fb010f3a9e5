import { countIn, parseInfo, type InfoFields } from './info-fields.js';
import { ask, primariesOf, type Primary } from './driver/primaries.js';
import type { Connection } from './connection.js';
import { RefusedQuestions } from './refused-questions.js';

/** How much memory a server needs, and how much it may have. */
export interface ServerMemory {
  readonly usedBytes: number;
  /** `maxmemory`; absent where there is none, or the server does not say. */
  readonly limitBytes?: number;
  /** Whether it evicts any key when it is full (`maxmemory-policy` is `allkeys-*`), so that it refuses nothing. */
  readonly evicts: boolean;
}

/**
 * Asks Redis for its memory; in a cluster for that of the fullest primary, because a sum would hide it.
 * One INFO for each of them, which connects the client to those that it has not needed yet.
 *
 * @returns `undefined` if no server says, as an embedded one
 * @throws RedisConnectionException if a primary of a cluster is gone
 * @throws the driver's error; if it is NOPERM, without a question for ten minutes
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
  const refused = connection.part(RefusedQuestions);
  return refused.ask(primary.node ?? client, 'INFO memory', () =>
    ask(client, primary, 'info', ['memory']),
  );
}

/** @returns `undefined` if it is not in there */
export function memoryIn(fields: InfoFields): ServerMemory | undefined {
  const usedBytes = countIn(fields, 'used_memory');
  if (usedBytes === undefined) return undefined;
  const limitBytes = countIn(fields, 'maxmemory') ?? 0;
  const evicts = fields.get('maxmemory_policy')?.startsWith('allkeys-') === true;
  // A `maxmemory` of 0 is no limit.
  return limitBytes > 0 ? { usedBytes, limitBytes, evicts } : { usedBytes, evicts };
}

/** The one that uses most of its limit, and of those without one the one that uses most. */
export function fullestOf(memories: readonly ServerMemory[]): ServerMemory | undefined {
  const [fullest] = [...memories].sort(
    (a, b) => fullnessOf(b) - fullnessOf(a) || b.usedBytes - a.usedBytes,
  );
  return fullest;
}

/** Which part of its limit a server uses; 0 without one. */
export function fullnessOf({ usedBytes, limitBytes }: ServerMemory): number {
  return limitBytes === undefined ? 0 : usedBytes / limitBytes;
}
