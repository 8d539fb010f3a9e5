import { nodeOf } from '../connection/driver/hash-slots.js';
import type { RedisClient } from '../connection/options/options.js';
import type { RedisException } from '../errors/redis.exception.js';
import { RedisAuthenticationException } from '../errors/redis-authentication.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import { RedisSerializationException } from '../errors/redis-serialization.exception.js';
import { RedisTimeoutException } from '../errors/redis-timeout.exception.js';
import { RedisValidationException } from '../errors/redis-validation.exception.js';
import { RedisUnavailableException } from '../errors/redis-unavailable.exception.js';

/**
 * Which servers a bulk operation has given up: those that served none of the keys they were last sent
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

  /** What keys of this key's server fail with; `undefined` while it is worth asking. */
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
