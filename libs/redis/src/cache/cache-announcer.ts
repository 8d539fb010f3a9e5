import type { CacheEvent } from '../telemetry/cache.events.js';
import type { RedisEventOf, Telemetry } from '../telemetry/telemetry.js';
import { RedisAway } from './outage/waiting.js';

type CacheEventType = CacheEvent['type'];

/** A cache as its events name it, and the telemetry that gets them. */
export interface AnnouncedCache {
  readonly connection: string;
  readonly cache: string;
  readonly telemetry: Telemetry;
}

/**
 * Announces what happens in one cache.
 *
 * @internal
 */
export class CacheAnnouncer {
  readonly #connection: string;
  readonly #cache: string;
  readonly #telemetry: Telemetry;

  constructor({ connection, cache, telemetry }: AnnouncedCache) {
    this.#connection = connection;
    this.#cache = cache;
    this.#telemetry = telemetry;
  }

  announce<Type extends CacheEventType>(
    type: Type,
    facts: Omit<RedisEventOf<Type>, 'type' | 'connection' | 'cache'>,
  ): void {
    if (!this.#telemetry.hears(type)) return;
    const event = { type, connection: this.#connection, cache: this.#cache, ...facts };
    this.#telemetry.announce(event as unknown as RedisEventOf<Type>);
  }

  get hearsRequests(): boolean {
    return this.#telemetry.hears('cache.request');
  }

  /** Announces a read. Makes no object without a listener, because reads are frequent. */
  request(key: string, result: RedisEventOf<'cache.request'>['result']): void {
    if (!this.hearsRequests) return;
    const where = { connection: this.#connection, cache: this.#cache };
    this.#telemetry.announce({ type: 'cache.request', ...where, key, result });
  }

  /** Announces what Redis failed with. */
  failure(key: string, operation: Operation, { error }: RedisAway): void {
    this.announce('cache.failure', { key, operation, error });
  }

  /** Waits for an answer, and announces what Redis fails with. @throws it */
  async failureOf<T>(answer: Promise<T>, key: string, operation: Operation): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof RedisAway) this.failure(key, operation, error);
      throw error;
    }
  }
}

type Operation = RedisEventOf<'cache.failure'>['operation'];
