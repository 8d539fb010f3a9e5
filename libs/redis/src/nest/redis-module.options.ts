import type {
  FactoryProvider,
  InjectionToken,
  ModuleMetadata,
  OptionalFactoryDependency,
  Provider,
  Type,
} from '@nestjs/common';
import type { RedisCacheOptions } from '../cache/cache-options.js';
import type {
  RedisModuleOptions as ConnectionOptions,
  ResolvedRedisOptions,
} from '../connection/options/options.js';
import type { LogPolicy, RedisLoggingOptions } from './logging/log-policy.js';

/** Options of a cache whose name is given elsewhere. */
export interface UnnamedCacheOptions extends Omit<RedisCacheOptions, 'name'> {
  /**
   * Further request headers that say who a client is, for `RedisCacheInterceptor`: a request that has
   * one of them bypasses the cache, unless its handler has `@CacheScope`. They join those that count
   * without being named (`Authorization`, `Cookie`, `X-Api-Key`, `X-User-Id`, ...), and those of a
   * connection's `cache` also count in its other caches.
   * @default none
   * @example ['x-acme-partner']
   */
  readonly credentialHeaders?: readonly string[] | undefined;
  /**
   * Further response headers that `RedisCacheInterceptor` keeps with each response, so that a hit has
   * them, too. They join `Cache-Control`, `Content-Disposition`, `Content-Language`, `Content-Type`,
   * `ETag`, `Last-Modified`, `Link` and `Vary`, those of `@CacheHeaders`, and those of a connection's
   * `cache` also hold in its other caches. What belongs to one exchange or one client is refused:
   * `Set-Cookie`, `Date`, `X-Auth-Token`, ...
   * @default none
   * @example ['x-total-count']
   */
  readonly responseHeaders?: readonly string[] | undefined;
}

/**
 * A connection and its default cache. Everything has a default that is right for development.
 *
 * @publicApi
 */
export interface RedisModuleOptions extends ConnectionOptions {
  /**
   * The connection's default cache, and what its other caches (`RedisModule.forCache`) start from.
   * @default every option's own; `ttl` is the connection's `defaultTtl`
   */
  readonly cache?: UnnamedCacheOptions | undefined;
  /**
   * What is logged of the connection.
   * @default `{ keys: 'pattern', slow: '100ms', successes: false }`
   */
  readonly logging?: RedisLoggingOptions | undefined;
}

/** What is provided under the token of a connection's options. */
export interface ResolvedModuleOptions extends ResolvedRedisOptions {
  /** As it was given: the cache resolves it itself. */
  readonly cache?: UnnamedCacheOptions | undefined;
  readonly logging: LogPolicy;
}

/** What shapes the module itself, and therefore cannot come out of a factory. */
export interface RedisModuleShape {
  /**
   * The connection's name; give one to every connection but one.
   * @default 'default'
   */
  readonly name?: string;
  /**
   * Whether the connection can be injected everywhere without importing the module again.
   * @default true
   */
  readonly isGlobal?: boolean;
}

/** Makes the options of a connection; for `useClass` and `useExisting`. @publicApi */
export interface RedisOptionsFactory {
  createRedisOptions(): RedisModuleOptions | Promise<RedisModuleOptions>;
}

/** Exactly one of `useFactory`, `useClass` and `useExisting` says where the options come from. @publicApi */
export interface RedisModuleAsyncOptions extends RedisModuleShape, Pick<ModuleMetadata, 'imports'> {
  /** What `useFactory` takes. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useFactory?: FactoryProvider<RedisModuleOptions>['useFactory'];
  readonly useClass?: Type<RedisOptionsFactory>;
  readonly useExisting?: InjectionToken<RedisOptionsFactory>;
  /** Providers that the factory needs and nobody else. */
  readonly extraProviders?: Provider[];
}
