import type { FactoryProvider, Provider } from '@nestjs/common';
import { Connections } from '../connection/connections.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { encodeSpace } from '../keys/key-builder.js';
import { DEFAULT_CONNECTION, resolveOptions } from '../connection/options/resolve-options.js';
import { refuseUnknownCacheOptions } from './cache.providers.js';
import { resolveLogging } from './logging/log-policy.js';
import type {
  RedisModuleAsyncOptions,
  RedisModuleOptions,
  RedisOptionsFactory,
  ResolvedModuleOptions,
} from './redis-module.options.js';
import { getRedisOptionsToken } from './redis.tokens.js';

export function optionsProvider(options: RedisModuleOptions, name?: string): FactoryProvider {
  return resolvingProvider(name, [], () => options);
}

/**
 * @throws RedisConfigurationException unless exactly one source of the options is given, and for an
 * unknown option
 */
export function asyncOptionsProviders(options: RedisModuleAsyncOptions): Provider[] {
  refuseUnknownOptions(options, ASYNC_OPTIONS, 'RedisModule.forRootAsync: ');
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
    return [resolvingProvider(name, inject, useFactory)];
  }
  const make = (factory: RedisOptionsFactory) => factory.createRedisOptions();
  return useClass
    ? [useClass, resolvingProvider(name, [useClass], make)]
    : [resolvingProvider(name, useExisting ? [useExisting] : [], make)];
}

const ASYNC_OPTIONS = {
  name: true,
  isGlobal: true,
  imports: true,
  inject: true,
  useFactory: true,
  useClass: true,
  useExisting: true,
  extraProviders: true,
} as const satisfies Record<keyof RedisModuleAsyncOptions, true>;

/** Resolves the options inside a factory: a wrong one fails the boot, not the import of a file. */
function resolvingProvider(
  name: string = DEFAULT_CONNECTION,
  inject: NonNullable<FactoryProvider['inject']>,
  make: FactoryProvider<RedisModuleOptions>['useFactory'],
): FactoryProvider {
  return {
    provide: getRedisOptionsToken(name),
    inject: [Connections, ...inject],
    useFactory: (connections: Connections, ...args: unknown[]) =>
      connections.guard(name, async () => resolveModuleOptions(await make(...args), name)),
  };
}

/** Resolves the options of caches and logs apart, because a connection does not know them. */
function resolveModuleOptions(options: RedisModuleOptions, name?: string): ResolvedModuleOptions {
  const { cache, logging, ...connection } = { ...options };
  const given: unknown = options;
  const isObject = typeof given === 'object' && given !== null;
  const resolved = resolveOptions(isObject ? connection : options, name); // refuses what is no object
  refuseNoOptions(cache);
  if (cache) refuseUnknownCacheOptions(cache, 'cache.');
  const policy = { ...resolveLogging(logging), space: encodeSpace(resolved) };
  return Object.assign(resolved, { cache, logging: policy });
}

function refuseNoOptions(cache: unknown): void {
  if (cache === undefined || (typeof cache === 'object' && cache !== null)) return;
  const accepted = "options of a cache, such as { ttl: '5m' }";
  throw new RedisConfigurationException([
    { setting: 'cache', value: JSON.stringify(cache), accepted },
  ]);
}
