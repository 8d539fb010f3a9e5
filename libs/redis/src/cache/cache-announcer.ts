import type { CacheEvent } from '../telemetry/cache.events.js';
import type { RedisEventOf, Telemetry } from '../telemetry/telemetry.js';

type CacheEventType = CacheEvent['type'];

/**
 * Announces what happens in one cache, if anybody listens.
 *
 * @internal
 */
export class CacheAnnouncer {
  readonly #cache: string;
  readonly #telemetry: Telemetry | undefined;

  constructor(cache: string, telemetry: Telemetry | undefined) {
    this.#cache = cache;
    this.#telemetry = telemetry;
  }

  announce<Type extends CacheEventType>(
    type: Type,
    facts: Omit<RedisEventOf<Type>, 'type' | 'cache'>,
  ): void {
    if (!this.#telemetry?.hears(type)) return;
    const event = { type, cache: this.#cache, ...facts };
    this.#telemetry.announce(event as unknown as RedisEventOf<Type>);
  }

  /** Without an object for each, where nobody listens: it happens with every read. */
  request(key: string, result: RedisEventOf<'cache.request'>['result']): void {
    if (!this.#telemetry?.hears('cache.request')) return;
    this.#telemetry.announce({ type: 'cache.request', cache: this.#cache, key, result });
  }
}
