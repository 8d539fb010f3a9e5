import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import type { RedisModuleOptions } from '../connection/options/options.js';
import { asyncOptionsProviders, optionsProvider } from './options.providers.js';
import { connectionProviders, exportedTokens } from './connection.providers.js';
import type { RedisModuleAsyncOptions, RedisModuleShape } from './redis-module.options.js';
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
