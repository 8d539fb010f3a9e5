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
import type { GetOrLoadOptions } from '../../cache/cache-options.js';
import { RedisCache } from '../../cache/redis-cache.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import { getCredentialsToken, getResponseHeadersToken, InjectRedisCache } from '../cache.tokens.js';
import { Credentials } from './credentials.js';
import { keyOf, scopeOf } from './http-cache.key.js';
import { globalInterceptorsOf, versioningOf } from './application-config.js';
import { policyOf } from './http-cache.decorators.js';
import { HttpCachePlans, type HttpCachePlan } from './http-cache.plan.js';
import { HttpExchange } from './http-exchange.js';
import type { HttpRequest, HttpResponse } from './http-messages.js';
import { ResponseCache } from './response-cache.js';
import { versionAsked } from './route-version.js';
import { STORED_RESPONSES, type StoredResponse } from './stored-response.js';

/** Calls that an interceptor takes care of: it may stand on the handler and on the application. */
const TAKEN = new WeakSet<object>();

/**
 * Caches what handlers of GET requests answer, as it was sent. Guards run before it, on every request.
 *
 * With `@UseInterceptors` it caches every GET handler it stands on; as `APP_INTERCEPTOR` those that have
 * one of its decorators: `@CacheTTL`, `@CacheKey`, `@CacheTags`, `@CacheScope`, `@CacheVary`, `@CacheHeaders`.
 * Interceptors around it see on a hit what they saw on the miss, as JSON keeps it; it costs least where it is the
 * first one.
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
  readonly #options = new WeakMap<HttpCachePlan, GetOrLoadOptions<StoredResponse>>();
  readonly #plans: HttpCachePlans;
  readonly #modules: ModuleRef | undefined;

  constructor(
    @InjectRedisCache() cache: RedisCache,
    @Optional() @Inject(getCredentialsToken()) credentials = new Credentials(),
    @Optional() modules?: ModuleRef,
    @Optional() @Inject(getResponseHeadersToken()) headers: readonly string[] = [],
  ) {
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

  /** The interceptor of another cache, from `RedisModule.forCache`. */
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
    if (!plan.isCached || TAKEN.has(context)) return next.handle();
    TAKEN.add(context);
    if (context.getType() !== 'http') return this.#cacheValue(context, next, plan);
    const http = context.switchToHttp();
    const request = http.getRequest<HttpRequest>();
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (!isRead) return next.handle();
    if (hasBody(request)) return next.handle(); // it may be answered by what is in there
    return this.#cacheResponse(context, next, plan, request, http.getResponse<HttpResponse>());
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
      options: this.#optionsFor(plan, request),
    };
    return request.method === 'HEAD'
      ? this.#responses.peek(entry, exchange, next)
      : this.#responses.serve(entry, exchange, next);
  }

  /** Most handlers have the same for every request. */
  #optionsFor(plan: HttpCachePlan, request: HttpRequest): GetOrLoadOptions<StoredResponse> {
    const known = this.#options.get(plan);
    if (known) return known;
    const options = { ...optionsOf(plan, request), serializer: STORED_RESPONSES };
    const isStatic = [plan.ttl, ...plan.tags].every((given) => typeof given !== 'function');
    if (isStatic) this.#options.set(plan, options);
    return options;
  }

  /** What there is of GraphQL, RPC and WebSockets: values, if `@CacheKey` has a function for them. */
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

function hasBody({ headers }: HttpRequest): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

/** The class of a caching interceptor, if it is one. */
function classOf(interceptor: unknown): unknown {
  if (interceptor instanceof RedisCacheInterceptor) return interceptor.constructor;
  if (typeof interceptor !== 'function') return undefined;
  const isOne =
    interceptor === RedisCacheInterceptor || interceptor.prototype instanceof RedisCacheInterceptor;
  return isOne ? interceptor : undefined;
}

function optionsOf(plan: HttpCachePlan, request: unknown): GetOrLoadOptions<never> {
  const lifetime = typeof plan.ttl === 'function' ? plan.ttl(request) : plan.ttl;
  const tags = plan.tags.flatMap((tag): readonly KeyPart[] =>
    [typeof tag === 'function' ? tag(request) : tag].flat(),
  );
  return { ...policyOf(lifetime), tags };
}
