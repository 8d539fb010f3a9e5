import type { CacheEvent } from '../telemetry/cache.events.js';
import type { RedisEventOf, Telemetry } from '../telemetry/telemetry.js';

type CacheEventType = CacheEvent['type'];

/** Which cache it is, and who is told. */
export interface AnnouncedCache {
  readonly connection: string;
  readonly cache: string;
  readonly telemetry: Telemetry;
}

/**
 * Announces what happens in one cache, if anybody listens.
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

  /** Without an object for each, where nobody listens: it happens with every read. */
  request(key: string, result: RedisEventOf<'cache.request'>['result']): void {
    if (!this.#telemetry.hears('cache.request')) return;
    const where = { connection: this.#connection, cache: this.#cache };
    this.#telemetry.announce({ type: 'cache.request', ...where, key, result });
  }
}
