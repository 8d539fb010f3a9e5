import type { ExecutionContext } from '@nestjs/common';
import type { KeyPart } from '../../keys/key-encoding.js';
import { HTTP_CACHE_METADATA, type CacheKey, type Lifetime } from './http-cache.decorators.js';

/** What is known about a handler before any request comes. */
export interface HttpCachePlan {
  /** Whether the interceptor has anything to do with it. */
  readonly isCached: boolean;
  /** Whether its response can be replaced: not if the handler sends it itself. */
  readonly isReplaceable: boolean;
  /** Whether no other interceptor stands around the cache's; not if that is not known. */
  readonly isOutermost: boolean;
  /** The handler, as a part of keys. */
  readonly resource: string;
  readonly ttl: Lifetime | ((request: unknown) => Lifetime | undefined) | undefined;
  readonly key: CacheKey | ((context: ExecutionContext) => CacheKey) | undefined;
  readonly tags: readonly (KeyPart | ((request: unknown) => KeyPart | readonly KeyPart[]))[];
  readonly scope: 'shared' | ((request: unknown) => KeyPart | undefined) | undefined;
  /** Names of headers of the request that the response depends on, in lower case. */
  readonly vary: readonly string[];
  /** Names of headers of the response that are kept beside those that always are, in lower case. */
  readonly headers: readonly string[];
  /** As `@Version` and `@Controller` have them. */
  readonly version: string | symbol | readonly (string | symbol)[] | undefined;
}

/** The interceptor that asks, or that of another cache, which then takes its place. */
export type InterceptorKind = 'this' | 'another' | undefined;

type Handler = (...args: never[]) => unknown;

/** What Nest notes about a handler, by the names that it has had since its first versions. */
const NEST = {
  interceptors: '__interceptors__',
  routeArguments: '__routeArguments__',
  passthrough: '__responsePassthrough__',
  version: '__version__',
  sentOtherwise: ['__sse__', '__renderTemplate__', '__redirect__'],
} as const;

/** `@Res()` and `@Next()` as Nest numbers them. */
const RESPONSE_OR_NEXT = /^[12]:/;

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
   * @param kindOf what it is that stands in `@UseInterceptors`
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

  /** A subclass of a controller shares its handlers, and may say something else. */
  of(controller: object, handler: object): HttpCachePlan {
    let plans = this.#plans.get(controller);
    if (!plans) this.#plans.set(controller, (plans = new WeakMap()));
    let plan = plans.get(handler);
    if (!plan) plans.set(handler, (plan = this.#read(controller, handler)));
    return plan;
  }

  #read(controller: object, handler: object): HttpCachePlan {
    const read = (key: string) => metadata(key, handler) ?? metadata(key, controller);
    const says = Object.fromEntries(
      Object.entries(HTTP_CACHE_METADATA).map(([name, key]) => [name, read(key)]),
    ) as Partial<HttpCachePlan>;
    const nearest = this.#nearestOn(handler) ?? this.#nearestOn(controller);
    const isDecorated = Object.values(says).some((said) => said !== undefined);
    const method = methodName(controller as new () => object, handler as Handler);
    return {
      isCached: nearest === undefined ? isDecorated : nearest === 'this',
      isOutermost: this.#isOutermost(controller, handler),
      isReplaceable: !sendsItself(controller, handler, method),
      resource: [
        (controller as { name: string }).name,
        method,
        ...versionOf(read(NEST.version)),
      ].join('.'),
      ttl: says.ttl,
      key: says.key,
      tags: says.tags ?? [],
      scope: says.scope,
      vary: says.vary ?? [],
      headers: [...this.#headers, ...(says.headers ?? [])],
      version: read(NEST.version) as HttpCachePlan['version'],
    };
  }

  #nearestOn(target: object): InterceptorKind {
    return interceptorsOn(target)
      .map(this.#kindOf)
      .find((kind) => kind !== undefined);
  }

  /** In the order of Nest: global ones around those of the class around those of the method. */
  #isOutermost(controller: object, handler: object): boolean {
    const globals = this.#globals();
    if (!globals) return false;
    const [first] = [...globals, ...interceptorsOn(controller), ...interceptorsOn(handler)];
    return this.#kindOf(first) === 'this';
  }
}

function interceptorsOn(target: object): readonly unknown[] {
  const interceptors = metadata(NEST.interceptors, target);
  return Array.isArray(interceptors) ? interceptors : [];
}

/** Routes of several versions may have one path, and controllers of one name. */
function versionOf(version: unknown): string[] {
  if (version === undefined) return [];
  return [`v${[version].flat().map(String).join()}`];
}

/** Nest then does not send what the handler returns; see its RouterExecutionContext. */
function sendsItself(controller: object, handler: object, method: string): boolean {
  if (NEST.sentOtherwise.some((key) => metadata(key, handler) !== undefined)) return true;
  const args = Object.keys(
    (metadata(NEST.routeArguments, controller, method) as object | undefined) ?? {},
  );
  const isPassthrough = metadata(NEST.passthrough, controller, method) === true;
  return args.some((arg) => RESPONSE_OR_NEXT.test(arg)) && !isPassthrough;
}

/** Other decorators may have given the function another name than the method. */
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

function metadata(key: string, target: object, property?: string): unknown {
  const { getMetadata } = Reflect as unknown as { getMetadata: (...args: unknown[]) => unknown };
  return property === undefined ? getMetadata(key, target) : getMetadata(key, target, property);
}
