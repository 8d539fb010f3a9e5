import { setImmediate } from 'node:timers/promises';
import type { RedisClient } from '../connection/options/options.js';
import type { RedisException } from '../errors/redis.exception.js';
import { NodeOutages } from './node-outages.js';

/**
 * The most keys that are sent before their replies are waited for.
 *
 * Tried with 100,000 keys (benchmarks/batch.bench.mjs; values of 69 characters, real server on
 * loopback, 2 cores, Node 20.20.2), longest pause of the event loop and time of getAll, setAll and
 * incrementAll: with 100 keys 5, 4, 6 ms and 385, 738, 957 ms; with 500 5, 5, 11 ms and 314, 605,
 * 833 ms; with 1,000 12, 27, 42 ms and no faster. Fewer would also be more round trips.
 */
export const CHUNK_KEYS = 500;

/**
 * The most characters of values that are sent, or turned into objects, without a pause: JSON of this
 * length takes about two milliseconds either way.
 */
export const CHUNK_CHARACTERS = 256 * 1024;

/**
 * Sends keys chunk by chunk, one round trip to each node for each, and lets the event loop turn in
 * between. Keys of a node that is gone fail without being sent.
 *
 * @param errors what failed; `send` adds to it
 * @param weigh the characters that a key brings along, asked when its chunk is put together
 * @internal
 */
export async function sendInChunks(
  client: RedisClient,
  keys: Iterable<string>,
  errors: Map<string, RedisException>,
  send: (chunk: string[]) => Promise<void>,
  weigh: (key: string) => number = () => 0,
): Promise<void> {
  const outages = new NodeOutages(client);
  const isServed = (key: string): boolean => {
    const outage = outages.of(key);
    if (outage) errors.set(key, outage);
    return !outage;
  };
  let isFirst = true;
  for (const chunk of chunksOf(keys, weigh, isServed)) {
    if (!isFirst) await setImmediate();
    isFirst = false;
    await send(chunk);
    outages.learn(chunk, errors);
  }
}

/**
 * A chunk ends with the key that fills it, so that what is large goes alone or comes last.
 *
 * @internal
 */
export function* chunksOf(
  keys: Iterable<string>,
  weigh: (key: string) => number,
  isWanted: (key: string) => boolean = () => true,
): Generator<string[]> {
  let chunk: string[] = [];
  let weight = 0;
  for (const key of keys) {
    if (!isWanted(key)) continue;
    chunk.push(key);
    weight += weigh(key);
    if (chunk.length < CHUNK_KEYS && weight < CHUNK_CHARACTERS) continue;
    yield chunk;
    chunk = [];
    weight = 0;
  }
  if (chunk.length > 0) yield chunk;
}
