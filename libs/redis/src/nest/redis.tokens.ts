/**
 * @module nest The parts that NestJS knows: the module, tokens, decorators, caching interceptor, exception
 * filter, lifecycle and logging.
 */
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';

/**
 * The injection token of a connection's plain ioredis client. Tokens are pure functions of the name:
 * they can be used anywhere and in any order, for example in `overrideProvider`.
 *
 * @publicApi
 */
export function getRedisToken(name: string = DEFAULT_CONNECTION): string {
  return token('Client', name);
}

/** The token of a connection's `KeyBuilder`. @publicApi */
export function getKeyBuilderToken(name: string = DEFAULT_CONNECTION): string {
  return token('KeyBuilder', name);
}

/** The token of a connection's `ResolvedRedisOptions`. @publicApi */
export function getRedisOptionsToken(name: string = DEFAULT_CONNECTION): string {
  return token('Options', name);
}

/** The token of a connection's `RedisPool`. @publicApi */
export function getRedisPoolToken(name: string = DEFAULT_CONNECTION): string {
  return token('Pool', name);
}

/** The token of a connection's `RedisBatch`. @publicApi */
export function getRedisBatchToken(name: string = DEFAULT_CONNECTION): string {
  return token('Batch', name);
}

/**
 * The token of a cache: the connection's name for the default cache of a connection, its own name for a
 * cache of `RedisModule.forCache`.
 *
 * @publicApi
 */
export function getRedisCacheToken(name: string = DEFAULT_CONNECTION): string {
  return token('Cache', name);
}

/** The token of what counts as credentials for the responses in a cache. @internal */
export function getCredentialsToken(name: string = DEFAULT_CONNECTION): string {
  return token('Credentials', name);
}

/** The token of the names of the response headers that a cache keeps. @internal */
export function getResponseHeadersToken(name: string = DEFAULT_CONNECTION): string {
  return token('ResponseHeaders', name);
}

/** @internal */
export function token(thing: string, name: string = DEFAULT_CONNECTION): string {
  return `nestjs-redis-data:${thing}:${name}`;
}
