import type { InjectionToken, Provider } from '@nestjs/common';
import { RedisBatch } from '../batch/redis-batch.js';
import { RedisCache } from '../cache/redis-cache.js';
import { Connections } from '../connection/connections.js';
import type { RedisClient, ResolvedRedisOptions } from '../connection/options/options.js';
import { RedisPool } from '../connection/redis-pool.js';
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';
import { KeyBuilder } from '../keys/key-builder.js';
import { ttlOf } from '../time/ttl.js';
import { defaultCacheProviders } from './cache.providers.js';
import { TelemetryLogger } from './logging/telemetry.logger.js';
import type { ResolvedModuleOptions } from './redis-module.options.js';
import {
  getCredentialsToken,
  getKeyBuilderToken,
  getRedisBatchToken,
  getRedisCacheToken,
  getRedisOptionsToken,
  getRedisPoolToken,
  getRedisToken,
  getResponseHeadersToken,
} from './redis.tokens.js';

/**
 * Provides a connection and what belongs to it. The client is made by the factory of its own token, on
 * which all others depend: a test that overrides this token opens no socket.
 */
export function connectionProviders(name?: string): Provider[] {
  return [
    {
      provide: getRedisToken(name),
      inject: [Connections, TelemetryLogger, getRedisOptionsToken(name)],
      useFactory: (
        connections: Connections,
        logger: TelemetryLogger,
        options: ResolvedModuleOptions,
      ) => {
        logger.follow(options.name, options.logging);
        return connections.open(options);
      },
    },
    {
      provide: getRedisPoolToken(name),
      inject: [Connections, getRedisToken(name), getRedisOptionsToken(name)],
      useFactory: (connections: Connections, client: RedisClient, options: ResolvedRedisOptions) =>
        connections.createPool(client, options),
    },
    {
      provide: getKeyBuilderToken(name),
      inject: [getRedisOptionsToken(name)],
      useFactory: (options: ResolvedRedisOptions) => new KeyBuilder(options),
    },
    {
      provide: getRedisBatchToken(name),
      inject: [getRedisToken(name), getRedisOptionsToken(name)],
      useFactory: (client: RedisClient, { defaultTtlMs }: ResolvedRedisOptions) =>
        new RedisBatch(client, { defaultTtl: ttlOf(defaultTtlMs) }),
    },
    ...defaultCacheProviders(name),
    ...(isDefault(name)
      ? [
          { provide: KeyBuilder, useExisting: getKeyBuilderToken(name) },
          { provide: RedisPool, useExisting: getRedisPoolToken(name) },
          { provide: RedisBatch, useExisting: getRedisBatchToken(name) },
        ]
      : []),
  ];
}

export function exportedTokens(name?: string): InjectionToken[] {
  return [
    getRedisToken(name),
    getRedisPoolToken(name),
    getKeyBuilderToken(name),
    getRedisBatchToken(name),
    getRedisOptionsToken(name),
    getRedisCacheToken(name),
    getCredentialsToken(name),
    getResponseHeadersToken(name),
    ...(isDefault(name) ? [KeyBuilder, RedisPool, RedisBatch, RedisCache] : []),
  ];
}

function isDefault(name: string | undefined): boolean {
  return name === undefined || name === DEFAULT_CONNECTION;
}
