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

/** Options of a cache without its name, which is given elsewhere. */
export interface UnnamedCacheOptions extends Omit<RedisCacheOptions, 'name'> {
  /**
   * Further request headers that identify a client, for `RedisCacheInterceptor`: a request with one of
   * them bypasses the cache, unless its handler has `@CacheScope`. They are added to the headers that always
   * count (`Authorization`, `Cookie`, `X-Api-Key`, `X-User-Id`, ...). Those of a connection's `cache` also
   * count in its other caches.
   * @default none
   * @example ['x-acme-partner']
   */
  readonly credentialHeaders?: readonly string[] | undefined;
  /**
   * Further response headers that `RedisCacheInterceptor` keeps with each response, so that a hit has
   * them, too. They are added to `Cache-Control`, `Content-Disposition`, `Content-Language`, `Content-Type`,
   * `ETag`, `Last-Modified`, `Link` and `Vary`, and to those of `@CacheHeaders`. Those of a connection's
   * `cache` also apply to its other caches. Headers of one exchange or one client are refused:
   * `Set-Cookie`, `Date`, `X-Auth-Token`, ...
   * @default none
   * @example ['x-total-count']
   */
  readonly responseHeaders?: readonly string[] | undefined;
}

/**
 * Options of a connection and its default cache. Every option has a default for development.
 *
 * @publicApi
 */
export interface RedisModuleOptions extends ConnectionOptions {
  /**
   * The connection's default cache, and the defaults of its other caches (`RedisModule.forCache`).
   * @default the default of every option; `ttl` is the connection's `defaultTtl`
   */
  readonly cache?: UnnamedCacheOptions | undefined;
  /**
   * The log of the connection.
   * @default `{ keys: 'pattern', slow: '100ms', successes: false }`
   */
  readonly logging?: RedisLoggingOptions | undefined;
}

/** The resolved options, as they are injected. */
export interface ResolvedModuleOptions extends ResolvedRedisOptions {
  /** Not resolved yet: the cache does that itself. */
  readonly cache?: UnnamedCacheOptions | undefined;
  readonly logging: LogPolicy;
}

/** Options of the module itself, which therefore cannot come from a factory. */
export interface RedisModuleShape {
  /**
   * The connection's name. Only one connection may be without a name.
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
  /** The tokens of the arguments of `useFactory`. */
  readonly inject?: (InjectionToken | OptionalFactoryDependency)[];
  readonly useFactory?: FactoryProvider<RedisModuleOptions>['useFactory'];
  readonly useClass?: Type<RedisOptionsFactory>;
  readonly useExisting?: InjectionToken<RedisOptionsFactory>;
  /** Providers that only the factory needs. */
  readonly extraProviders?: Provider[];
}
