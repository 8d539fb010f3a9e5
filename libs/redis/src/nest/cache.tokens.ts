import { Inject } from '@nestjs/common';

/**
 * The token of a cache: of the default cache of a connection by the connection's name, of one that
 * `RedisModule.forCache` made by its own.
 *
 * @publicApi
 */
export function getRedisCacheToken(name = 'default'): string {
  return `nestjs-redis-data:Cache:${name}`;
}

/** The token of what counts as credentials for the responses in a cache. @internal */
export function getCredentialsToken(name = 'default'): string {
  return `nestjs-redis-data:Credentials:${name}`;
}

/** The token of the names of the headers that are kept with the responses in a cache. @internal */
export function getResponseHeadersToken(name = 'default'): string {
  return `nestjs-redis-data:ResponseHeaders:${name}`;
}

/**
 * Injects a cache. That of the default connection is also injectable by class, as `RedisCache`.
 *
 * @example
 * constructor(@InjectRedisCache('reports') private readonly reports: RedisCache) {}
 *
 * @publicApi
 */
export const InjectRedisCache = (name?: string): PropertyDecorator & ParameterDecorator =>
  Inject(getRedisCacheToken(name));
