/**
 * The common base of `@Cached` and `@InvalidatesCache`: which methods they accept, how they replace a
 * method, and how an instance gets its cache.
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
import { getRedisCacheToken } from '../redis.tokens.js';

/** A method whose result can be awaited. */
export type AsyncMethod = (...args: never[]) => Promise<unknown> | Observable<unknown>;

/** The value that a method's promise resolves to, or its Observable emits. */
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
  /** The kind of the method's result, if the compiler's metadata does not say it. */
  readonly returns: 'promise' | 'observable' | undefined;
}

/** A call of a decorated method. */
export interface MethodCall {
  readonly cache: RedisCache;
  readonly self: object;
  readonly args: readonly unknown[];
  /** Runs the original method to its end. Resolves to the values of its promise or its Observable. */
  readonly run: () => Promise<readonly unknown[]>;
}

/** Handles a call. The caller gets the values that it resolves to, or the last one as a promise. */
export type Around = (call: MethodCall) => Promise<readonly unknown[]>;

type AnyMethod = (this: object, ...args: unknown[]) => unknown;

/**
 * Lets `around` handle the calls of a method. The cache is a property that Nest injects: every instance, of
 * any scope and in any application, has the cache of its own container. An instance made with `new` has
 * none, and its method runs without a cache.
 *
 * @param onInject called with each instance that gets its cache; an error that it throws fails the boot
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
 * Declares a property of the class that Nest injects. Its value is kept beside the instance, which must not
 * get a property that users see.
 *
 * @returns finds the cache of an instance
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

/** @throws RedisConfigurationException if the compiler's metadata has neither of the two types */
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
  "the option returns: 'promise' or 'observable', because the compiler's metadata does not name its " +
  'type (it is imported with `import type`, an alias or a union)';

/** Gives the wrapper the name, the length and the metadata of the method, for Nest and other decorators. */
function disguise(wrapper: AnyMethod, method: AnyMethod): AnyMethod {
  for (const name of ['name', 'length'] as const) {
    Object.defineProperty(wrapper, name, { value: method[name], configurable: true });
  }
  for (const key of metadata.getMetadataKeys?.(method) ?? []) {
    metadata.defineMetadata?.(key, metadata.getMetadata?.(key, method), wrapper);
  }
  return wrapper;
}

/** The methods of reflect-metadata, which Nest loads. */
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
