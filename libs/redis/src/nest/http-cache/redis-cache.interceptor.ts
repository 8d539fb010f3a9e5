import {
  Inject,
  Injectable,
  mixin,
  Optional,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
  type Type,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { from, lastValueFrom, Observable } from 'rxjs';
import { RedisCache } from '../../cache/redis-cache.js';
import { InjectRedisCache } from '../inject.decorators.js';
import { globalInterceptorsOf, requireKnownNest, versioningOf } from '../nest-internals.js';
import { getCredentialsToken, getResponseHeadersToken } from '../redis.tokens.js';
import { Credentials } from './credentials.js';
import { keyOf, scopeOf, versionAsked } from './http-cache.key.js';
import {
  HttpCachePlans,
  optionsOf,
  responseOptionsOf,
  type HttpCachePlan,
} from './http-cache.plan.js';
import { HttpExchange } from './http-exchange.js';
import type { HttpRequest, HttpResponse } from './http-messages.js';
import { ResponseCache } from './response-cache.js';

/** Calls that an interceptor has begun to handle: it may stand on both the handler and the application. */
const TAKEN = new WeakSet<object>();

/**
 * Caches the responses of GET handlers, as they were sent. Guards run before it, on every request.
 *
 * With `@UseInterceptors` it caches every GET handler that it decorates. As `APP_INTERCEPTOR` it caches the
 * handlers that have one of its decorators: `@CacheTTL`, `@CacheKey`, `@CacheTags`, `@CacheScope`,
 * `@CacheVary`, `@CacheHeaders`. On a hit, interceptors around it see the value that they saw on the miss,
 * as JSON keeps it. It is cheapest as the first interceptor.
 *
 * @example
 * ```ts
 * @UseInterceptors(RedisCacheInterceptor)
 * @Controller('posts')
 * class PostsController {
 *   @Get(':id')
 *   @CacheTTL('5m')
 *   find(@Param('id') id: string) { ... }
 * }
 * ```
 *
 * @publicApi
 */
@Injectable()
export class RedisCacheInterceptor implements NestInterceptor {
  readonly #cache: RedisCache;
  readonly #responses: ResponseCache;
  readonly #credentials: Credentials;
  readonly #plans: HttpCachePlans;
  readonly #modules: ModuleRef | undefined;

  /** @throws RedisConfigurationException if Nest's decorators have changed */
  constructor(
    @InjectRedisCache() cache: RedisCache,
    @Optional() @Inject(getCredentialsToken()) credentials = new Credentials(),
    @Optional() modules?: ModuleRef,
    @Optional() @Inject(getResponseHeadersToken()) headers: readonly string[] = [],
  ) {
    requireKnownNest();
    this.#cache = cache;
    this.#modules = modules;
    this.#plans = new HttpCachePlans(
      (interceptor) => {
        const type = classOf(interceptor);
        return type === undefined ? undefined : type === this.constructor ? 'this' : 'another';
      },
      () => globalInterceptorsOf(modules),
      headers,
    );
    this.#credentials = credentials;
    this.#responses = new ResponseCache(cache);
  }

  /** Makes the interceptor of another cache, one of `RedisModule.forCache`. */
  static for(cache: string): Type<RedisCacheInterceptor> {
    class NamedCacheInterceptor extends RedisCacheInterceptor {
      constructor(
        @InjectRedisCache(cache) named: RedisCache,
        @Optional() @Inject(getCredentialsToken(cache)) credentials?: Credentials,
        @Optional() modules?: ModuleRef,
        @Optional() @Inject(getResponseHeadersToken(cache)) headers?: readonly string[],
      ) {
        super(named, credentials, modules, headers);
      }
    }
    return mixin(NamedCacheInterceptor);
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const plan = this.#plans.of(context.getClass(), context.getHandler());
    if (!plan.isCached || !(plan.isAlone || isFirst(context))) return next.handle();
    if (context.getType() !== 'http') return this.#cacheValue(context, next, plan);
    // What `switchToHttp` would return, without making functions for each request.
    const request = context.getArgByIndex<HttpRequest>(0);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead) return next.handle();
    if (hasBody(request)) return next.handle(); // the response may depend on the body
    const response = context.getArgByIndex<HttpResponse>(1);
    return this.#cacheResponse(context, next, plan, request, response);
  }

  #cacheResponse(
    context: ExecutionContext,
    next: CallHandler,
    plan: HttpCachePlan,
    request: HttpRequest,
    response: HttpResponse,
  ): Observable<unknown> {
    const exchange = new HttpExchange(request, response, plan);
    const scope = plan.isReplaceable ? scopeOf(plan, request, this.#credentials) : undefined;
    const version = versionAsked(plan.version, versioningOf(this.#modules), request);
    if (!scope || version === undefined) {
      exchange.mark('BYPASS');
      return next.handle();
    }
    const own = typeof plan.key === 'function' ? plan.key(context) : plan.key;
    const entry = {
      key: keyOf(plan, request, scope, version, own),
      options: plan.responseOptions ?? responseOptionsOf(plan, request),
    };
    return request.method === 'HEAD'
      ? this.#responses.peek(entry, exchange, next)
      : this.#responses.serve(entry, exchange, next);
  }

  /** Caches the value of a GraphQL, RPC or WebSocket handler, if `@CacheKey` gives a function. */
  #cacheValue(
    context: ExecutionContext,
    next: CallHandler,
    plan: HttpCachePlan,
  ): Observable<unknown> {
    const { key, scope } = plan;
    if (typeof key !== 'function' || typeof scope === 'function') return next.handle();
    if (scope === undefined && this.#credentials.areInContext(context)) return next.handle();
    const first: unknown = context.getArgByIndex(0);
    const handled = next.handle();
    return from(
      this.#cache.getOrLoad(
        key(context),
        () => lastValueFrom(handled, { defaultValue: undefined }),
        optionsOf(plan, first),
      ),
    );
  }
}

/** Whether no other interceptor has begun to handle the call. */
function isFirst(context: ExecutionContext): boolean {
  if (TAKEN.has(context)) return false;
  TAKEN.add(context);
  return true;
}

function hasBody({ headers }: HttpRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The class of an interceptor, if it is one of ours. */
function classOf(interceptor: unknown): unknown {
  if (interceptor instanceof RedisCacheInterceptor) return interceptor.constructor;
  if (typeof interceptor !== 'function') return undefined;
  const isOne =
    interceptor === RedisCacheInterceptor || interceptor.prototype instanceof RedisCacheInterceptor;
  return isOne ? interceptor : undefined;
}
