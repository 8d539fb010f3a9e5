import type { FactoryProvider, Provider } from '@nestjs/common';
import type { RedisCacheOptions } from '../cache/cache-options.js';
import { RedisCache } from '../cache/redis-cache.js';
import type { RedisClient } from '../connection/options/options.js';
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import { CacheRegistry } from './cache/cache.registry.js';
import { getRedisCacheToken } from './cache/cache.tokens.js';
import type { ResolvedModuleOptions } from './redis-module.options.js';
import { getKeyBuilderToken, getRedisOptionsToken, getRedisToken } from './redis.tokens.js';

/**
 * The default cache of a connection: it is injected by the connection's name, and its keys have no
 * part of their own.
 */
export function defaultCacheProviders(connection: string = DEFAULT_CONNECTION): Provider[] {
  const provider = cacheProvider(connection, {}, connection);
  return connection === DEFAULT_CONNECTION
    ? [provider, { provide: RedisCache, useExisting: provider.provide }]
    : [provider];
}

/** A cache of its own name, with options over those of its connection. */
export function namedCacheProvider(
  name: string,
  options: RedisCacheOptions,
  connection?: string,
): FactoryProvider {
  return cacheProvider(name, { ...options, name }, connection);
}

function cacheProvider(
  injectedAs: string,
  options: RedisCacheOptions,
  connection?: string,
): FactoryProvider {
  return {
    provide: getRedisCacheToken(injectedAs),
    inject: [
      CacheRegistry,
      getRedisToken(connection),
      getKeyBuilderToken(connection),
      getRedisOptionsToken(connection),
    ],
    useFactory: (
      caches: CacheRegistry,
      client: RedisClient,
      keys: KeyBuilder,
      { defaultTtlMs, cache = {} }: ResolvedModuleOptions,
    ) => {
      const ttl = defaultTtlMs === 'forever' ? {} : { ttl: `${defaultTtlMs}ms` as const };
      return caches.create({
        injectedAs,
        client,
        keys,
        options: { ...ttl, ...given(cache), ...given(options) },
      });
    },
  };
}

/** An option that is present and undefined is no option, and must not hide the one below it. */
function given(options: RedisCacheOptions): RedisCacheOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
