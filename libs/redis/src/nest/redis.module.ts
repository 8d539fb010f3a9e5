import { Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common';
import { flagOf } from '../errors/flag-of.js';
import { namedCacheProviders } from './cache.providers.js';
import { asyncOptionsProviders, optionsProvider } from './options.providers.js';
import { connectionProviders, exportedTokens } from './connection.providers.js';
import type {
  RedisModuleAsyncOptions,
  RedisModuleOptions,
  RedisModuleShape,
  UnnamedCacheOptions,
} from './redis-module.options.js';
import { repositoryProviders } from './repository.providers.js';
import type { RedisFeature } from './repository.tokens.js';
import { RedisCoreModule } from './redis-core.module.js';

/**
 * Opens connections to Redis and makes them injectable. Call it once per connection.
 *
 * @example
 * RedisModule.forRootAsync({ inject: [redisConfig.KEY], useFactory: (config) => config })
 *
 * @publicApi
 */
@Module({})
export class RedisModule {
  /**
   * A connection whose options are known when the module is declared. Opens it as `startup` says.
   *
   * At boot rejects with RedisConfigurationException (all problems at once, before any socket),
   * RedisConnectionException or RedisAuthenticationException.
   */
  static forRoot({
    name,
    isGlobal,
    ...options
  }: RedisModuleOptions & RedisModuleShape = {}): DynamicModule {
    return connectionModule({ name, isGlobal }, [optionsProvider(options, name)]);
  }

  /** The same, with options that other providers know, the configuration above all. */
  static forRootAsync(options: RedisModuleAsyncOptions): DynamicModule {
    const providers = [...asyncOptionsProviders(options), ...(options.extraProviders ?? [])];
    return connectionModule(options, providers, options.imports);
  }

  /**
   * The repositories of a feature: for each entity class one to be injected with
   * `@InjectRedisRepository(Entity)`, and for each repository class one to be injected by class. Import
   * it where they are used; the connection itself comes from `forRoot` or `forRootAsync`.
   *
   * @param connection the connection's name, unless it is the default one
   * @throws RedisConfigurationException if something in the list is no entity: not decorated, or
   * imported in a circle
   *
   * @example
   * RedisModule.forFeature([User, Session])
   */
  static forFeature(features: readonly RedisFeature[], connection?: string): DynamicModule {
    const providers = repositoryProviders(features, connection);
    const tokens = providers.map((provider) => (provider as FactoryProvider).provide);
    return { module: RedisModule, imports: [RedisCoreModule], providers, exports: tokens };
  }

  /**
   * A cache of its own, with options over those of its connection (`cache` of `forRoot`). Declare it
   * once: `@InjectRedisCache(name)`, `@Cached({ cache: name })` and `@InvalidatesCache({ cache: name })`
   * then find it in every module.
   *
   * At boot rejects with RedisConfigurationException if another cache or connection has the name.
   * @throws RedisConfigurationException for an option that caches do not have
   *
   * @param name the first part of the cache's keys, and its name in metrics and logs
   * @param connection the connection's name, unless it is the default one
   *
   * @example
   * RedisModule.forCache('reports', { ttl: '1d', staleFor: '1h' })
   */
  static forCache(
    name: string,
    options: UnnamedCacheOptions = {},
    connection?: string,
  ): DynamicModule {
    const providers = namedCacheProviders(name, options, connection);
    return {
      module: RedisModule,
      global: true,
      imports: [RedisCoreModule],
      providers,
      exports: providers.map(({ provide }) => provide),
    };
  }
}

function connectionModule(
  { name, isGlobal }: { name?: string | undefined; isGlobal?: boolean | undefined },
  providers: Provider[],
  imports: DynamicModule['imports'] = [],
): DynamicModule {
  return {
    module: RedisModule,
    global: flagOf('isGlobal', isGlobal, true),
    imports: [RedisCoreModule, ...imports],
    providers: [...providers, ...connectionProviders(name)],
    exports: exportedTokens(name),
  };
}
