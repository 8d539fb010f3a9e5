import { RedisCache } from '../cache/redis-cache.js';
import type { RedisCacheOptions } from '../cache/cache-options.js';
import { identityOf } from '../connection/connection.js';
import type { ClientRegistry } from '../connection/connections.js';
import type { RedisClient } from '../connection/options/options.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import type { Telemetry } from '../telemetry/telemetry.js';

/** What a cache is made of. */
export interface CacheDeclaration {
  /** The name it is injected by. */
  readonly injectedAs: string;
  readonly client: RedisClient;
  readonly keys: KeyBuilder;
  readonly options: RedisCacheOptions;
}

/**
 * Makes the caches of one application, and closes them before the connections that they use.
 *
 * @internal
 */
export class CacheRegistry {
  readonly #clients: ClientRegistry;
  readonly #telemetry: Telemetry;
  readonly #names = new Set<string>();
  readonly #caches: { injectedAs: string; client: RedisClient; cache: RedisCache }[] = [];

  constructor(clients: ClientRegistry, telemetry: Telemetry) {
    this.#clients = clients;
    this.#telemetry = telemetry;
  }

  /** @throws RedisConfigurationException for an option that cannot be, and for a name that is taken */
  create({ injectedAs, client, keys, options }: CacheDeclaration): Promise<RedisCache> {
    return this.#clients.guard(identityOf(client).connection, () => {
      this.#claim(injectedAs);
      const cache = new RedisCache(client, keys, options, {
        announcedAs: injectedAs,
        telemetry: this.#telemetry,
      });
      this.#caches.push({ injectedAs, client, cache });
      this.#clients.closeFirst(async () => {
        const failed = await cache.close();
        if (failed === 0) return;
        const facts = { by: 'outbox', count: failed, failed, pending: 0 } as const;
        const { connection } = identityOf(client);
        const where = { connection, cache: injectedAs };
        this.#telemetry.announce({ type: 'cache.invalidation', ...where, ...facts });
      });
      return cache;
    });
  }

  /** The names of the caches that leave this connection's Redis alone at the moment. */
  bypassedOn(client: RedisClient): string[] {
    return this.#caches
      .filter((made) => made.client === client && made.cache.isBypassed)
      .map(({ injectedAs }) => injectedAs);
  }

  /** Two modules could otherwise each inject another cache under one name. */
  #claim(name: string): void {
    if (this.#names.has(name)) {
      const setting = 'RedisModule.forCache';
      const accepted =
        'a name that no other cache and no connection of this application has; a cache that is ' +
        'declared once can be injected everywhere';
      throw new RedisConfigurationException([{ setting, value: name, accepted }]);
    }
    this.#names.add(name);
  }
}
