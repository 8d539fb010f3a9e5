import { SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import type { CacheKey as CoreCacheKey, CachePolicy } from '../../cache/cache-options.js';
import { checkPolicy } from '../../cache/cache-policy.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { Duration } from '../../time/duration.js';
import { keptHeaders } from './stored-response.js';

/** How long a response is fresh, and for how long after that it may be served all the same. */
export interface HttpLifetime {
  readonly ttl?: Duration | undefined;
  /** While another one is made. */
  readonly staleFor?: Duration | undefined;
  /** If the handler fails with anything but a status below 500, or takes longer than `loadTimeout`. */
  readonly failSafe?: Duration | undefined;
}

/** @internal */
export type Lifetime = Duration | HttpLifetime;

/** Where the decorators keep what they say. */
export const HTTP_CACHE_METADATA = {
  ttl: 'nestjs-redis-data:CacheTTL',
  headers: 'nestjs-redis-data:CacheHeaders',
  key: 'nestjs-redis-data:CacheKey',
  tags: 'nestjs-redis-data:CacheTags',
  scope: 'nestjs-redis-data:CacheScope',
  vary: 'nestjs-redis-data:CacheVary',
} as const;

/**
 * How long the responses of a handler, or of all of a controller, are cached.
 *
 * @example
 * ```ts
 * @CacheTTL('5m')
 * @CacheTTL({ ttl: '5m', staleFor: '1h' })
 * @CacheTTL({ ttl: '30s', failSafe: '1h' })
 * @CacheTTL((request: FastifyRequest) => (request.headers['x-preview'] ? '1s' : '5m'))
 * ```
 *
 * @default the cache's `ttl`, `staleFor` and `failSafe`
 * @throws RedisConfigurationException for an impossible duration, when the class is declared; one that a
 * function returns fails its request
 * @publicApi
 */
export const CacheTTL = (
  ttl: Lifetime | ((request: never) => Lifetime | undefined),
): CustomDecorator => {
  if (typeof ttl !== 'function') {
    refuseUnknownOptions(policyOf(ttl), LIFETIME, '@CacheTTL(): ');
    checkPolicy(policyOf(ttl), '@CacheTTL(): ');
  }
  return SetMetadata(HTTP_CACHE_METADATA.ttl, ttl);
};

const LIFETIME = { ttl: true, staleFor: true, failSafe: true } as const satisfies Record<
  keyof HttpLifetime,
  true
>;

/**
 * What a lifetime says about how a response is cached. Anything but an object is taken for a `ttl`, so
 * that a bare number is refused as it is elsewhere.
 *
 * @internal
 */
export function policyOf(lifetime: Lifetime | undefined): CachePolicy {
  return lifetime instanceof Object ? lifetime : { ttl: lifetime };
}

export type CacheKey = CoreCacheKey;

/**
 * The key of the response, in place of the one made of handler, host, path and query; what `@CacheVary`
 * and `@CacheScope` say is still added. Also makes the handlers of GraphQL, RPC and WebSockets cached,
 * if it is a function.
 *
 * @param key a text is split at its colons: give a list where it contains what a client has sent, or
 * where `@CacheVary` or a scope function add to it
 * @example
 * ```ts
 * @CacheKey((context) => ['post', context.switchToHttp().getRequest<FastifyRequest>().id])
 * ```
 *
 * @publicApi
 */
export const CacheKey = (
  key: CoreCacheKey | ((context: ExecutionContext) => CoreCacheKey),
): CustomDecorator => SetMetadata(HTTP_CACHE_METADATA.key, key);

/**
 * Names under which the response can be invalidated: `cache.invalidateTags`, `@InvalidatesCache`.
 *
 * @example
 * ```ts
 * @CacheTags('posts', (request: FastifyRequest<{ Params: { id: string } }>) => `post-${request.params.id}`)
 * ```
 *
 * @publicApi
 */
export const CacheTags = (
  ...tags: readonly (KeyPart | ((request: never) => KeyPart | readonly KeyPart[]))[]
): CustomDecorator => SetMetadata(HTTP_CACHE_METADATA.tags, tags);

/**
 * Who shares a response. Without it, requests that say who their client is (`Authorization`, `Cookie`,
 * `X-Api-Key` and every other customary way, or a `user` that a guard has found) are not cached at all.
 *
 * @param scope `'shared'` if the response is the same for everybody who may see it, or a function that
 * says whose it is, e.g. the user's id; `undefined` from it means that the request is not cached
 * @example
 * ```ts
 * @CacheScope((request: { user?: { id: string } }) => request.user?.id)
 * ```
 *
 * @publicApi
 */
export const CacheScope = (
  scope: 'shared' | ((request: never) => KeyPart | undefined),
): CustomDecorator => SetMetadata(HTTP_CACHE_METADATA.scope, scope);

/**
 * Response headers that are kept with the response, so that a hit has them, too: those of the handler that
 * say something about the body. They join those of the option `responseHeaders`.
 *
 * @throws RedisConfigurationException for a header that belongs to one exchange or one client, such as
 * `Set-Cookie`
 * @example
 * ```ts
 * @CacheHeaders('x-total-count')
 * ```
 *
 * @publicApi
 */
export const CacheHeaders = (...headers: readonly string[]): CustomDecorator =>
  SetMetadata(HTTP_CACHE_METADATA.headers, keptHeaders(headers, '@CacheHeaders()'));

/**
 * Request headers that the response depends on. Each of their values has an entry of its own, and they
 * are named in the response's `Vary`.
 *
 * @example
 * ```ts
 * @CacheVary('accept-language')
 * ```
 *
 * @publicApi
 */
export const CacheVary = (...headers: readonly string[]): CustomDecorator =>
  SetMetadata(
    HTTP_CACHE_METADATA.vary,
    headers.map((header) => header.toLowerCase()),
  );
