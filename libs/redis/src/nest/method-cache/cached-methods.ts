/**
 * What `@Cached` and `@InvalidatesCache` have in common: which methods they take, how a method is
 * replaced, and how an instance comes by its cache.
 */
import { Inject } from '@nestjs/common';
import {
  concatAll,
  defer,
  from,
  isObservable,
  lastValueFrom,
  toArray,
  type Observable,
} from 'rxjs';
import type { RedisCache } from '../../cache/redis-cache.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { getRedisCacheToken } from '../cache.tokens.js';

/** A method with a result that can be waited for. */
export type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** What a method's result comes to. */
export type ResultOf<Method extends AsyncMethod> =
  ReturnType<Method> extends Observable<infer Result> ? Result : Awaited<ReturnType<Method>>;

/** Where the decorated method is declared. */
export interface Declaration {
  /** The prototype of the class that declares it. */
  readonly prototype: object;
  readonly property: string | symbol;
  readonly decorator: string;
  /** The name of the cache. */
  readonly cache: string | undefined;
  /** What the method returns, if the compiler's metadata does not say it. */
  readonly returns: 'promise' | 'observable' | undefined;
}

/** A call of a decorated method. */
export interface MethodCall {
  readonly cache: RedisCache;
  readonly self: object;
  readonly args: readonly unknown[];
  /** Runs the original method to its end: what its promise, or its Observable, has come to. */
  readonly run: () => Promise<readonly unknown[]>;
}

/** Handles a call. What it resolves to is what the caller gets; of a promise, the last. */
export type Around = (call: MethodCall) => Promise<readonly unknown[]>;

type AnyMethod = (this: object, ...args: unknown[]) => unknown;

/**
 * Lets `around` handle the calls of a method, wherever Nest made the instance. The cache is a property
 * that Nest injects, so that every instance of any scope, in any application, has that of its own
 * container; an instance made with `new` has none, and its method simply runs.
 *
 * @param onInject told about each instance when it gets its cache; what it throws fails the boot
 * @internal
 */
export function replaceMethod(
  declaration: Declaration,
  descriptor: PropertyDescriptor,
  around: Around,
  onInject: (self: object, cache: RedisCache) => void = () => undefined,
): void {
  const { decorator, property } = declaration;
  const original: unknown = descriptor.value;
  if (typeof declaration.prototype === 'function' || typeof original !== 'function') {
    throw refusal(decorator, String(property), 'a method that is not static');
  }
  const method = original as AnyMethod;
  const cacheOf = injectCache(declaration, onInject);
  const asObservable = returnsObservable(declaration);
  const wrapper: AnyMethod = function (...args) {
    const cache = cacheOf(this);
    if (!cache) return method.apply(this, args);
    const run = async () => valuesOf(method.apply(this, args), declaration, asObservable);
    const values = () => around({ cache, self: this, args, run });
    return asObservable ? defer(values).pipe(concatAll()) : values().then(last);
  };
  descriptor.value = disguise(wrapper, method);
}

/**
 * @returns what finds the cache of an instance
 */
function injectCache(
  { prototype, property, decorator, cache }: Declaration,
  onInject: (self: object, cache: RedisCache) => void,
): (self: object) => RedisCache | undefined {
  const caches = new WeakMap<object, RedisCache>();
  const injected = Symbol(`the cache of @${decorator}() ${String(property)}`);
  Object.defineProperty(prototype, injected, {
    set(this: object, given: RedisCache) {
      onInject(this, given);
      caches.set(this, given);
    },
  });
  Inject(getRedisCacheToken(cache))(prototype, injected);
  return (self) => caches.get(self);
}

/** @throws RedisConfigurationException if the compiler has noted something else than the two */
function returnsObservable({ prototype, property, decorator, returns }: Declaration): boolean {
  if (returns) return returns === 'observable';
  const type = metadata.getMetadata?.('design:returntype', prototype, property);
  const name = typeof type === 'function' ? type.name : 'Promise';
  if (name !== 'Promise' && name !== 'Observable') {
    throw refusal(decorator, String(property), SAY_WHAT_IT_RETURNS);
  }
  return name === 'Observable';
}

const SAY_WHAT_IT_RETURNS =
  "the option returns: 'promise' or 'observable', because what the compiler noted of its type does " +
  'not say it (a type that is imported with `import type`, an alias or a union)';

/** What Nest and other decorators know about the method stays true: name, length and metadata. */
function disguise(wrapper: AnyMethod, method: AnyMethod): AnyMethod {
  for (const name of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, name, { value: method[name], configurable: true });
  }
  for (const key of metadata.getMetadataKeys?.(method) ?? []) {
    metadata.defineMetadata?.(key, metadata.getMetadata?.(key, method), wrapper);
  }
  return wrapper;
}

/** There once reflect-metadata is loaded, which Nest does. */
const metadata = Reflect as {
  getMetadata?(key: unknown, target: object, property?: string | symbol): unknown;
  getMetadataKeys?(target: object): unknown[];
  defineMetadata?(key: unknown, value: unknown, target: object): void;
};

export function last(values: readonly unknown[]): unknown {
  return values.at(-1);
}

async function valuesOf(
  result: unknown,
  { decorator, property }: Declaration,
  asObservable: boolean,
): Promise<unknown[]> {
  if (!isObservable(result)) return [await result];
  if (asObservable) return lastValueFrom(from(result).pipe(toArray()));
  throw refusal(decorator, String(property), SAY_WHAT_IT_RETURNS);
}

export function refusal(
  decorator: string,
  what: string,
  accepted: string,
): RedisConfigurationException {
  return new RedisConfigurationException([{ setting: `@${decorator}()`, value: what, accepted }]);
}
