import { setImmediate } from 'node:timers/promises';
import { nodeOf } from '../connection/driver/hash-slots.js';
import type { RedisClient } from '../connection/options/options.js';
import { RedisAuthenticationException } from '../errors/redis-authentication.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { RedisTimeoutException } from '../errors/redis-timeout.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';
import { RedisValidationException } from '../errors/redis-validation.exception.js';
import type { RedisException } from '../errors/redis.exception.js';

/** The most keys that are sent before their replies are waited for; more pause the event loop for longer. */
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

/**
 * Knows which servers a bulk operation has given up: those that served none of the keys they were last sent
 * for want of a connection, or of an answer in time. Without it 100,000 keys would be 200 chunks, and
 * each would wait until its deadline.
 *
 * @internal
 */
export class NodeOutages {
  readonly #client: RedisClient;
  readonly #outages = new Map<string, RedisException>();

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** The exception of all keys on the server of this key; `undefined` while it is worth asking. */
  of(key: string): RedisException | undefined {
    return this.#outages.size === 0 ? undefined : this.#outages.get(nodeOf(this.#client, key));
  }

  /** Judges the servers by how a chunk fared. */
  learn(chunk: readonly string[], errors: ReadonlyMap<string, RedisException>): void {
    if (errors.size === 0) return;
    const served = new Set<string>();
    for (const key of chunk) {
      const error = errors.get(key);
      if (error && isOurs(error)) continue; // says nothing about the server
      if (error && isOutage(error)) this.#outages.set(nodeOf(this.#client, key), error);
      else served.add(nodeOf(this.#client, key));
    }
    for (const node of served) this.#outages.delete(node);
  }
}

function isOurs(error: RedisException): boolean {
  return error instanceof RedisSerializationException || error instanceof RedisValidationException;
}

function isOutage(error: RedisException): boolean {
  return (
    error instanceof RedisConnectionException ||
    error instanceof RedisAuthenticationException ||
    error instanceof RedisTimeoutException ||
    error instanceof RedisUnavailableException
  );
}

/** How many items are looked at without a pause: about a millisecond's work. */
const SLICE = 2_000;

/**
 * Looks at each, and lets the event loop turn in between when they are many. Give it a copy of what
 * the caller may change meanwhile.
 *
 * @internal
 */
export async function inSlices<Item>(
  items: readonly Item[],
  visit: (item: Item, i: number) => void,
): Promise<void> {
  for (let from = 0; from < items.length; from += SLICE) {
    if (from > 0) await setImmediate();
    const end = Math.min(from + SLICE, items.length);
    for (let i = from; i < end; i++) visit(items[i] as Item, i);
  }
}
