/**
 * @module nest What ties the library to NestJS: the module, tokens, decorators, the filter, lifecycle
 * and logging.
 */
import { DEFAULT_CONNECTION } from '../connection/options/resolve-options.js';

/**
 * The injection token of a connection's plain ioredis client. Tokens are pure functions of the name,
 * so they can be used anywhere, in any order, in `overrideProvider` above all.
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

/** @internal */
export function token(thing: string, name: string = DEFAULT_CONNECTION): string {
  return `nestjs-redis-data:${thing}:${name}`;
}
