import { Module, type DynamicModule, type FactoryProvider, type Provider } from '@nestjs/common';
import type { RedisModuleOptions } from '../connection/options/options.js';
import { asyncOptionsProviders, optionsProvider } from './options.providers.js';
import { connectionProviders, exportedTokens } from './connection.providers.js';
import type { RedisModuleAsyncOptions, RedisModuleShape } from './redis-module.options.js';
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
}

function connectionModule(
  { name, isGlobal = true }: { name?: string | undefined; isGlobal?: boolean | undefined },
  providers: Provider[],
  imports: DynamicModule['imports'] = [],
): DynamicModule {
  return {
    module: RedisModule,
    global: isGlobal,
    imports: [RedisCoreModule, ...imports],
    providers: [...providers, ...connectionProviders(name)],
    exports: exportedTokens(name),
  };
}
