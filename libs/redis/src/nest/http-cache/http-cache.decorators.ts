import { SetMetadata, type CustomDecorator, type ExecutionContext } from '@nestjs/common';
import type { CacheKey as CoreCacheKey } from '../../cache/cache-options.js';
import { checkCall, type CallPolicy } from '../../cache/cache-policy.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { Duration } from '../../time/duration.js';
import { keptHeaders } from './stored-response.js';

/** How long a response is fresh, and how long after that it may still be served. */
export interface HttpLifetime {
  readonly ttl?: Duration | undefined;
  /** How long it may be served while a new one is made. */
  readonly staleFor?: Duration | undefined;
  /**
   * How long after that it may be served if the handler throws anything but an exception with a status
   * below 500, or takes longer than `loadTimeout`.
   */
  readonly failSafe?: Duration | undefined;
  /**
   * Whether the near copy of the process may answer. `false` reads each response from Redis: then it
   * reflects every invalidation that was acknowledged before the request, also those of other processes.
   * @default true
   */
  readonly near?: boolean | undefined;
}

/** @internal */
export type Lifetime = Duration | HttpLifetime;

/** The keys of the decorators' metadata. */
export const HTTP_CACHE_METADATA = {
  ttl: 'nestjs-redis-data:CacheTTL',
  headers: 'nestjs-redis-data:CacheHeaders',
  key: 'nestjs-redis-data:CacheKey',
  tags: 'nestjs-redis-data:CacheTags',
  scope: 'nestjs-redis-data:CacheScope',
  vary: 'nestjs-redis-data:CacheVary',
} as const;

/**
 * Sets how long the responses of a handler, or of all handlers of a controller, are cached.
 *
 * @example
 * ```ts
 * @CacheTTL('5m')
 * @CacheTTL({ ttl: '5m', staleFor: '1h' })
 * @CacheTTL({ ttl: '30s', failSafe: '1h' })
 * @CacheTTL({ near: false })
 * @CacheTTL((request: FastifyRequest) => (request.headers['x-preview'] ? '1s' : '5m'))
 * ```
 *
 * @default the cache's `ttl`, `staleFor` and `failSafe`
 * @throws RedisConfigurationException for an impossible duration, when the class is declared; a request
 * fails if the function returns one
 * @publicApi
 */
export const CacheTTL = (
  ttl: Lifetime | ((request: never) => Lifetime | undefined),
): CustomDecorator => {
  if (typeof ttl !== 'function') {
    refuseUnknownOptions(policyOf(ttl), LIFETIME, '@CacheTTL(): ');
    checkCall(policyOf(ttl), '@CacheTTL(): ');
  }
  return SetMetadata(HTTP_CACHE_METADATA.ttl, ttl);
};

const LIFETIME = {
  ttl: true,
  staleFor: true,
  failSafe: true,
  near: true,
} as const satisfies Record<keyof HttpLifetime, true>;

/**
 * Turns a lifetime into options of a call. Everything but an object is taken for a `ttl`, so that a
 * bare number is refused as it is elsewhere.
 *
 * @internal
 */
export function policyOf(lifetime: Lifetime | undefined): CallPolicy {
  return lifetime instanceof Object ? lifetime : { ttl: lifetime };
}

export type CacheKey = CoreCacheKey;

/**
 * Sets the key of the response, in place of the one made of handler, host, path and query. `@CacheVary` and
 * `@CacheScope` still add to it. A function also makes handlers of GraphQL, RPC and WebSockets cached.
 *
 * @param key a text is split at its colons: give a list if it contains what a client has sent, or if
 * `@CacheVary` or a scope function add to it
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
 * Names tags by which the response can be invalidated: `cache.invalidateTags`, `@InvalidatesCache`.
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
 * Says which clients share a response. Without it, requests that identify their client are not cached at
 * all: by `Authorization`, `Cookie`, `X-Api-Key` and every other usual way, or by a `user` that a guard has
 * found.
 *
 * @param scope `'shared'` if the response is the same for all clients that may see it, or a function that
 * returns its owner, e.g. the user's id; if it returns `undefined`, the request is not cached
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
 * Names response headers of the handler that are kept with the response, so that a hit has them, too. They
 * are added to those of the option `responseHeaders`.
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
 * Names request headers that the response depends on. Each of their values has an entry of its own, and
 * the response names them in `Vary`.
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
