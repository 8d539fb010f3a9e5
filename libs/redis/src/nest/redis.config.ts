import type { DynamicModule } from '@nestjs/common';
import type { RedisModuleOptions } from '../connection/options/options.js';
import { redisOptionsFromEnvironment } from '../connection/options/environment.js';
import { nestConfig } from '../peers/optional-peers.js';

/** A namespace of `@nestjs/config`, as its `registerAs` makes them. */
export interface RedisConfigNamespace {
  (): RedisModuleOptions;
  /** The token of the options. */
  readonly KEY: string;
  /**
   * The argument for `RedisModule.forRootAsync`, where `ConfigModule` does not load the namespace.
   *
   * @throws RedisConfigurationException if @nestjs/config is not installed
   */
  asProvider(): {
    imports: [DynamicModule | Promise<DynamicModule>];
    useFactory: (config: RedisModuleOptions) => RedisModuleOptions;
    inject: [string];
  };
}

const NAME = 'redis';
const KEY = `CONFIGURATION(${NAME})`;

/**
 * The `REDIS_*` variables as a ready-made `@nestjs/config` namespace.
 *
 * @example
 * imports: [
 *   ConfigModule.forRoot({ isGlobal: true, load: [redisConfig] }),
 *   RedisModule.forRootAsync({ inject: [redisConfig.KEY], useFactory: (config) => config }),
 * ]
 *
 * The boot fails with RedisConfigurationException, which lists every problem, before any socket is opened.
 *
 * @publicApi
 */
export const redisConfig: RedisConfigNamespace = Object.defineProperties(
  () => redisOptionsFromEnvironment(process.env),
  // What `registerAs('redis', ...)` adds. Written down here, because @nestjs/config is optional.
  {
    PARTIAL_CONFIGURATION_KEY: { value: NAME },
    KEY: { value: KEY },
    asProvider: {
      value: () => ({
        imports: [nestConfig().ConfigModule.forFeature(redisConfig)],
        useFactory: (config: RedisModuleOptions) => config,
        inject: [KEY],
      }),
    },
  },
) as RedisConfigNamespace;
