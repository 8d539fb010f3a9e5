import type { FactoryProvider, Provider } from '@nestjs/common';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import type { RedisModuleOptions } from '../connection/options/options.js';
import { resolveOptions } from '../connection/options/resolve-options.js';
import type { RedisModuleAsyncOptions, RedisOptionsFactory } from './redis-module.options.js';
import { getRedisOptionsToken } from './redis.tokens.js';

/** Resolved inside a factory: a wrong option fails the boot, not the import of a file. */
export function optionsProvider(options: RedisModuleOptions, name?: string): FactoryProvider {
  return {
    provide: getRedisOptionsToken(name),
    useFactory: () => resolveOptions(options, name),
  };
}

/**
 * @throws RedisConfigurationException unless exactly one source of the options is given
 */
export function asyncOptionsProviders(options: RedisModuleAsyncOptions): Provider[] {
  const { name, inject = [], useFactory, useClass, useExisting } = options;
  const sources = Object.entries({ useFactory, useClass, useExisting }).filter(
    ([, given]) => given,
  );
  if (sources.length !== 1) {
    throw new RedisConfigurationException([
      {
        setting: 'RedisModule.forRootAsync',
        value: sources.map(([source]) => source).join(' and ') || 'without a source of options',
        accepted: 'exactly one of useFactory, useClass and useExisting',
      },
    ]);
  }
  if (useFactory) {
    const fromFactory = async (...args: unknown[]) =>
      resolveOptions(await useFactory(...args), name);
    return [{ provide: getRedisOptionsToken(name), inject, useFactory: fromFactory }];
  }
  const fromMaker = async (factory: RedisOptionsFactory) =>
    resolveOptions(await factory.createRedisOptions(), name);
  const provide = getRedisOptionsToken(name);
  return useClass
    ? [useClass, { provide, inject: [useClass], useFactory: fromMaker }]
    : [{ provide, inject: useExisting ? [useExisting] : [], useFactory: fromMaker }];
}
