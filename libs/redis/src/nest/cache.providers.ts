import type { FactoryProvider, Provider } from '@nestjs/common';
import type { RedisCacheOptions } from '../cache/cache-options.js';
import { UNNAMED_CACHE_OPTIONS } from '../cache/cache-policy.js';
import { RedisCache } from '../cache/redis-cache.js';
import { connectionOf } from '../connection/connection.js';
import { Connections } from '../connection/connections.js';
import type { RedisClient } from '../connection/options/options.js';
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import type { KeyBuilder } from '../keys/key-builder.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { Credentials } from './http-cache/credentials.js';
import { isHeaderName } from './http-cache/http-messages.js';
import { keptHeaders } from './http-cache/stored-response.js';
import type { ResolvedModuleOptions, UnnamedCacheOptions } from './redis-module.options.js';
import {
  getCredentialsToken,
  getKeyBuilderToken,
  getRedisCacheToken,
  getRedisOptionsToken,
  getRedisToken,
  getResponseHeadersToken,
} from './redis.tokens.js';

/**
 * Provides the default cache of a connection. It is injected by the connection's name, and the cache has no
 * name in its keys.
 */
export function defaultCacheProviders(connection: string = DEFAULT_CONNECTION): Provider[] {
  const providers = [
    cacheProvider(connection, {}, connection),
    credentialsProvider(connection, undefined, connection),
    responseHeadersProvider(connection, undefined, connection),
  ];
  return connection === DEFAULT_CONNECTION
    ? [...providers, { provide: RedisCache, useExisting: getRedisCacheToken(connection) }]
    : providers;
}

/**
 * Provides a cache with a name. Its options override those of its connection.
 *
 * @throws RedisConfigurationException for an unknown option
 */
export function namedCacheProviders(
  name: string,
  options: UnnamedCacheOptions,
  connection?: string,
): FactoryProvider[] {
  refuseUnknownCacheOptions(options, `cache "${name}": `);
  return [
    cacheProvider(name, { ...options, name }, connection),
    credentialsProvider(name, options.credentialHeaders, connection),
    responseHeadersProvider(name, options.responseHeaders, connection),
  ];
}

/** Provides the names of the request headers that say for whom a response is. */
function credentialsProvider(
  cache: string,
  further: UnnamedCacheOptions['credentialHeaders'],
  connection?: string,
): FactoryProvider {
  return {
    provide: getCredentialsToken(cache),
    inject: [Connections, getRedisOptionsToken(connection)],
    useFactory: (connections: Connections, options: ResolvedModuleOptions) =>
      connections.guard(
        options.name,
        () =>
          new Credentials([
            ...headerNames(options.cache?.credentialHeaders, `cache of ${options.name}`),
            ...headerNames(further, `cache "${cache}"`),
          ]),
      ),
  };
}

/** Provides the names of the response headers that are cached beside those that always are. */
function responseHeadersProvider(
  cache: string,
  further: UnnamedCacheOptions['responseHeaders'],
  connection?: string,
): FactoryProvider {
  return {
    provide: getResponseHeadersToken(cache),
    inject: [Connections, getRedisOptionsToken(connection)],
    useFactory: (connections: Connections, options: ResolvedModuleOptions) =>
      connections.guard(options.name, () => [
        ...keptHeaders(options.cache?.responseHeaders, `cache of ${options.name}: responseHeaders`),
        ...keptHeaders(further, `cache "${cache}": responseHeaders`),
      ]),
  };
}

/** @throws RedisConfigurationException if one is not a name of a header: no request could have it */
function headerNames(names: unknown, owner: string): readonly string[] {
  if (names === undefined) return [];
  if (Array.isArray(names) && names.every(isHeaderName)) return names as string[];
  const accepted = "names of request headers, such as ['x-acme-partner']";
  throw new RedisConfigurationException([
    { setting: `${owner}: credentialHeaders`, value: JSON.stringify(names), accepted },
  ]);
}

/**
 * @throws RedisConfigurationException for an unknown option, and for one that is given elsewhere
 */
export function refuseUnknownCacheOptions(options: UnnamedCacheOptions, where: string): void {
  refuseUnknownOptions(options, OPTIONS, where);
}

const OPTIONS = {
  ...UNNAMED_CACHE_OPTIONS,
  credentialHeaders: true,
  responseHeaders: true,
} as const satisfies Record<keyof UnnamedCacheOptions, true>;

function cacheProvider(
  injectedAs: string,
  options: RedisCacheOptions,
  connection?: string,
): FactoryProvider {
  return {
    provide: getRedisCacheToken(injectedAs),
    inject: [
      Connections,
      Telemetry,
      getRedisToken(connection),
      getKeyBuilderToken(connection),
      getRedisOptionsToken(connection),
    ],
    useFactory: (
      connections: Connections,
      telemetry: Telemetry,
      client: RedisClient,
      keys: KeyBuilder,
      { defaultTtlMs, cache: shared = {} }: ResolvedModuleOptions,
    ) => {
      const ttl = defaultTtlMs === 'forever' ? {} : { ttl: `${defaultTtlMs}ms` as const };
      const { name } = connectionOf(client);
      return connections.guard(name, () => {
        const all = { ...ttl, ...given(shared), ...given(options) };
        const cache = new RedisCache(client, keys, all, { announcedAs: injectedAs, telemetry });
        connections.use(client, {
          name: injectedAs,
          get isBypassed() {
            return cache.isBypassed;
          },
          get near() {
            return cache.nearState;
          },
          async close() {
            const failed = await cache.close();
            if (failed === 0) return;
            const facts = { by: 'outbox', count: failed, failed, pending: 0 } as const;
            const where = { connection: name, cache: injectedAs };
            telemetry.announce({ type: 'cache.invalidation', ...where, ...facts });
          },
        });
        return cache;
      });
    },
  };
}

/**
 * The options for the cache itself. An option that is present and `undefined` counts as not given, and must
 * not hide the one that it would override.
 */
function given(options: UnnamedCacheOptions & RedisCacheOptions): RedisCacheOptions {
  return Object.fromEntries(
    Object.entries(options).filter(
      ([name, value]) => !OF_RESPONSES.has(name) && value !== undefined,
    ),
  );
}

/** Options for the interceptor. The cache does not know them. */
const OF_RESPONSES: ReadonlySet<string> = new Set(['credentialHeaders', 'responseHeaders']);
