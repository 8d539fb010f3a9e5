import type { RedisClient } from '../options/options.js';
import { ask, primariesOf } from './primaries.js';

/** How much memory Redis needs, and how much it may have. */
export interface ServerMemory {
  readonly usedBytes: number;
  /** `maxmemory`; absent where there is none, or the server does not say. */
  readonly limitBytes?: number;
}

/**
 * Asks Redis for its memory; in a cluster the sum over the primaries. One INFO for each of them.
 *
 * @returns `undefined` if a server does not say, as an embedded one
 * @throws RedisConnectionException if a primary of a cluster is gone
 * @throws the driver's error
 * @internal
 */
export async function readServerMemory(client: RedisClient): Promise<ServerMemory | undefined> {
  const primaries = await primariesOf(client);
  const texts = await Promise.all(primaries.map((one) => ask(client, one, 'info', ['memory'])));
  const usedBytes = sumOf(texts, 'used_memory');
  const limitBytes = sumOf(texts, 'maxmemory');
  if (usedBytes === undefined) return undefined;
  return limitBytes === undefined ? { usedBytes } : { usedBytes, limitBytes };
}

/** A `maxmemory` of 0 is no limit, and with one server that has none there is none for all. */
function sumOf(texts: readonly unknown[], field: string): number | undefined {
  const values = texts.map((text) => new RegExp(`^${field}:(\\d+)`, 'm').exec(String(text))?.[1]);
  const numbers = values.map(Number);
  return numbers.every((number) => number > 0)
    ? numbers.reduce((sum, number) => sum + number, 0)
    : undefined;
}
