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
import { noteCopy } from './second-copy.js';

noteCopy();

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
   * Opens a connection whose options are known when the module is declared. `startup` says when.
   *
   * The boot fails with RedisConfigurationException (all problems at once, before any socket),
   * RedisConnectionException or RedisAuthenticationException.
   */
  static forRoot({
    name,
    isGlobal,
    ...options
  }: RedisModuleOptions & RedisModuleShape = {}): DynamicModule {
    return connectionModule({ name, isGlobal }, [optionsProvider(options, name)]);
  }

  /** Opens a connection whose options come from other providers, for example from the configuration. */
  static forRootAsync(options: RedisModuleAsyncOptions): DynamicModule {
    const providers = [...asyncOptionsProviders(options), ...(options.extraProviders ?? [])];
    return connectionModule(options, providers, options.imports);
  }

  /**
   * Provides the repositories of a feature: one for each entity class, injected with
   * `@InjectRedisRepository(Entity)`, and one for each repository class, injected by class. Import it in
   * the modules that use them; `forRoot` or `forRootAsync` opens the connection.
   *
   * @param connection the connection's name, unless it is the default one
   * @throws RedisConfigurationException if an item of the list is no entity: it is not decorated, or
   * its file is part of an import cycle. Also if class-validator or class-transformer is not installed
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
   * Provides a further cache, whose options override those of its connection (`cache` of `forRoot`).
   * Declare it once: `@InjectRedisCache(name)`, `@Cached({ cache: name })` and
   * `@InvalidatesCache({ cache: name })` find it in every module.
   *
   * The boot fails with RedisConfigurationException if another cache or connection has the name.
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
