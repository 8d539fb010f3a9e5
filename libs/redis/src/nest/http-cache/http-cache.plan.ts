import type { ExecutionContext } from '@nestjs/common';
import type { GetOrLoadOptions } from '../../cache/cache-options.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import {
  interceptorsOn,
  metadataOf,
  sendsItself,
  versionOf,
  type Versions,
} from '../nest-internals.js';
import {
  HTTP_CACHE_METADATA,
  policyOf,
  type CacheKey,
  type Lifetime,
} from './http-cache.decorators.js';
import { STORED_RESPONSES, type StoredResponse } from './stored-response.js';

/** The facts about a handler that are the same for all requests. */
export interface HttpCachePlan {
  /** Whether the interceptor caches this handler at all. */
  readonly isCached: boolean;
  /** Whether its response can be replaced: not if the handler sends it itself. */
  readonly isReplaceable: boolean;
  /** Whether the cache's interceptor is the outermost one; `false` if that is not known. */
  readonly isOutermost: boolean;
  /** Whether it is outermost, and the only one of a cache: it then handles each call once. */
  readonly isAlone: boolean;
  /** The handler, as a part of keys. */
  readonly resource: string;
  readonly ttl: Lifetime | ((request: unknown) => Lifetime | undefined) | undefined;
  readonly key: CacheKey | ((context: ExecutionContext) => CacheKey) | undefined;
  readonly tags: readonly (KeyPart | ((request: unknown) => KeyPart | readonly KeyPart[]))[];
  readonly scope: 'shared' | ((request: unknown) => KeyPart | undefined) | undefined;
  /** Names of the request headers that the response depends on, in lower case. */
  readonly vary: readonly string[];
  /** Names of the response headers that are kept beside those that always are, in lower case. */
  readonly headers: readonly string[];
  /** As `@Version` and `@Controller` have them. */
  readonly version: Versions;
  /** How its responses are cached, if that is the same for every request. */
  readonly responseOptions: GetOrLoadOptions<StoredResponse> | undefined;
}

/** The interceptor that asks, or that of another cache, which then takes its place. */
export type InterceptorKind = 'this' | 'another' | undefined;

type Handler = (...args: never[]) => unknown;
type Said = Partial<Pick<HttpCachePlan, keyof typeof HTTP_CACHE_METADATA>>;

/**
 * Reads the plans of handlers, each once.
 *
 * @internal
 */
export class HttpCachePlans {
  readonly #kindOf: (interceptor: unknown) => InterceptorKind;
  readonly #globals: () => readonly unknown[] | undefined;
  readonly #headers: readonly string[];
  readonly #plans = new WeakMap<object, WeakMap<object, HttpCachePlan>>();

  /**
   * @param kindOf which cache an interceptor in `@UseInterceptors` belongs to
   * @param globals the application's global interceptors; `undefined` if they are not known
   * @param headers of responses, kept beside those that always are
   */
  constructor(
    kindOf: (interceptor: unknown) => InterceptorKind,
    globals: () => readonly unknown[] | undefined,
    headers: readonly string[],
  ) {
    this.#kindOf = kindOf;
    this.#globals = globals;
    this.#headers = headers;
  }

  /** A subclass of a controller shares its handlers, but may have other decorators. */
  of(controller: object, handler: object): HttpCachePlan {
    let plans = this.#plans.get(controller);
    if (!plans) this.#plans.set(controller, (plans = new WeakMap()));
    let plan = plans.get(handler);
    if (!plan) plans.set(handler, (plan = this.#read(controller, handler)));
    return plan;
  }

  #read(controller: object, handler: object): HttpCachePlan {
    const said = saidAbout(controller, handler);
    const nearest = this.#nearestOn(handler) ?? this.#nearestOn(controller);
    const kinds = this.#kindsAround(controller, handler);
    const isDecorated = Object.values(said).some((one) => one !== undefined);
    const method = methodName(controller as new () => object, handler as Handler);
    const version = versionOf(controller, handler);
    const { name } = controller as { name: string };
    const { ttl, key, tags = [], scope, vary = [], headers = [] } = said;
    const isStatic = [ttl, ...tags].every((given) => typeof given !== 'function');
    return {
      isCached: nearest === undefined ? isDecorated : nearest === 'this',
      isOutermost: kinds?.[0] === 'this',
      isAlone: kinds?.[0] === 'this' && kinds.filter((kind) => kind !== undefined).length === 1,
      isReplaceable: !sendsItself(controller, handler, method),
      resource: [name, method, ...versionSuffix(version)].join('.'),
      ttl,
      key,
      tags,
      scope,
      vary,
      headers: [...this.#headers, ...headers],
      version,
      responseOptions: isStatic ? responseOptionsOf({ ttl, tags }, undefined) : undefined,
    };
  }

  #nearestOn(target: object): InterceptorKind {
    return interceptorsOn(target)
      .map(this.#kindOf)
      .find((kind) => kind !== undefined);
  }

  /**
   * All interceptors in Nest's order: global ones around those of the class around those of the method.
   *
   * @returns `undefined` if the global ones are not known
   */
  #kindsAround(controller: object, handler: object): InterceptorKind[] | undefined {
    const own = [...interceptorsOn(controller), ...interceptorsOn(handler)];
    return this.#globals()?.concat(own).map(this.#kindOf);
  }
}

/** Reads the decorators of a handler, or else those of its class. */
function saidAbout(controller: object, handler: object): Said {
  return Object.fromEntries(
    Object.entries(HTTP_CACHE_METADATA).map(([name, key]) => [
      name,
      metadataOf(key, handler) ?? metadataOf(key, controller),
    ]),
  );
}

/** How the response to a request is cached. */
export function responseOptionsOf(
  plan: Pick<HttpCachePlan, 'ttl' | 'tags'>,
  request: unknown,
): GetOrLoadOptions<StoredResponse> {
  return { ...optionsOf(plan, request), serializer: STORED_RESPONSES };
}

/** How the value of a call is cached; its first argument takes the place of a request. */
export function optionsOf(
  { ttl, tags }: Pick<HttpCachePlan, 'ttl' | 'tags'>,
  request: unknown,
): GetOrLoadOptions<never> {
  const lifetime = typeof ttl === 'function' ? ttl(request) : ttl;
  const names = tags.flatMap((tag): readonly KeyPart[] =>
    [typeof tag === 'function' ? tag(request) : tag].flat(),
  );
  return { ...policyOf(lifetime), tags: names };
}

/** Routes of several versions may have one path, and controllers of several versions one name. */
function versionSuffix(version: Versions): string[] {
  if (version === undefined) return [];
  return [`v${[version].flat().map(String).join()}`];
}

/** The name of the method: another decorator may have given the function another name. */
function methodName(controller: new () => object, handler: Handler): string {
  let prototype: object | null = controller.prototype as object | null;
  while (prototype) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (value === handler) return name;
    }
    prototype = Object.getPrototypeOf(prototype) as object | null;
  }
  return handler.name;
}
