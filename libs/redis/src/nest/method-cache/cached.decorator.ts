import type { CacheDependency, CacheKey, CachePolicy } from '../../cache/cache-options.js';
import { CACHE_POLICY, checkCall } from '../../cache/cache-policy.js';
import type { RedisCache } from '../../cache/redis-cache.js';
import { RedisInvalidKeyException } from '../../errors/redis-invalid-key.exception.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import type { CacheSerializer } from '../../serialization/cache-serializer.js';
import { cacheKeyOf } from './cache-key-of.js';
import { last, refusal, replaceMethod, type MethodCall } from './cached-methods.js';
import { listOf, type CallDecorator, type ListOr } from './method-options.js';

/**
 * Options of {@link Cached}. Functions among them take the arguments of the method.
 *
 * @publicApi
 */
export interface CachedOptions<
  KeyArgs extends readonly unknown[] = never[],
  TagArgs extends readonly unknown[] = never[],
  DependencyArgs extends readonly unknown[] = never[],
> extends CachePolicy {
  /**
   * The name of a cache of `RedisModule.forCache`, or of a connection, whose default cache is used.
   * @default the default connection
   */
  readonly cache?: string | undefined;
  /**
   * The first part of the entries' keys. Give it if a minifier changes the name of the class, or if several
   * classes have the name.
   * @default the name of the instance's class and of the method: 'PostsService.find'
   */
  readonly name?: string | undefined;
  /**
   * The rest of the key: it identifies a call.
   * @default `cacheKeyOf` of all arguments
   */
  readonly key?: ((...args: KeyArgs) => KeyPart | readonly [KeyPart, ...KeyPart[]]) | undefined;
  /** Tags by which the result can be invalidated. */
  readonly tags?: ListOr<KeyPart, TagArgs> | undefined;
  /** The entities and keys that the result is made from. */
  readonly dependsOn?: ListOr<CacheDependency, DependencyArgs> | undefined;
  /**
   * How results are stored.
   * @default the serializer of the cache
   */
  readonly serializer?: CacheSerializer<unknown> | undefined;
  /**
   * Whether the near copy of the process may serve results. `false` reads each of them from Redis: then it
   * reflects every invalidation that was acknowledged before the call, also those of other processes.
   * @default true
   */
  readonly near?: boolean | undefined;
  /**
   * The kind of the method's result. It is needed only if the compiler emits no decorator metadata, or if
   * the declared type is an alias.
   * @default its declared type
   */
  readonly returns?: 'promise' | 'observable' | undefined;
}

/**
 * Caches the results of a method of any provider. It calls `RedisCache.getOrLoad` around the method, with
 * the same promises and errors. Errors of the method are not cached. All callers, the first one included,
 * get the result that the serializer (JSON by default) gives back. An Observable emits one value, the last.
 *
 * All instances of the class share a result: if a request-scoped instance uses facts of its request, they
 * must be in the key. A subclass has entries of its own.
 *
 * Throws RedisConfigurationException for an impossible or unknown option when the class is declared. The
 * boot fails with it if two classes or methods have the same name in a cache.
 *
 * @example
 * ```ts
 * @Cached({ ttl: '5m', tags: (id: number) => [`post-${id}`] })
 * async find(id: number): Promise<Post> { ... }
 * ```
 *
 * @publicApi
 */
export function Cached<
  KeyArgs extends readonly unknown[] = [],
  TagArgs extends readonly unknown[] = [],
  DependencyArgs extends readonly unknown[] = [],
>(
  options: CachedOptions<KeyArgs, TagArgs, DependencyArgs> = {},
): CallDecorator<KeyArgs, TagArgs, DependencyArgs> {
  const { cache, name, key = cacheKeyOfAll, tags, dependsOn, returns, ...policy } = options;
  return (prototype, property, descriptor) => {
    const where = `@Cached() of ${String(property)}: `;
    refuseUnknownOptions(options, OPTIONS, where);
    checkCall(policy, where);
    const around = async ({ cache: injected, self, args, run }: MethodCall) => {
      const parts = key(...(args as unknown as KeyArgs));
      const id = Array.isArray(parts) ? (parts as readonly KeyPart[]) : [parts as KeyPart];
      const entry: CacheKey = [name ?? resourceOf(self, prototype, property), ...id];
      const load = async () => last(await run());
      const value = await injected.getOrLoad(entry, load, {
        ...policy,
        tags: listOf(tags, args as unknown as TagArgs),
        dependsOn: listOf(dependsOn, args as unknown as DependencyArgs),
      });
      return [value];
    };
    replaceMethod(
      { prototype, property, decorator: 'Cached', cache, returns },
      descriptor,
      around,
      (self, injected) => {
        claim(injected, name ?? resourceOf(self, prototype, property), self, prototype, property);
      },
    );
  };
}

const OPTIONS = {
  ...CACHE_POLICY,
  cache: true,
  name: true,
  key: true,
  tags: true,
  dependsOn: true,
  returns: true,
  serializer: true,
  near: true,
} as const satisfies Record<keyof CachedOptions, true>;

/** @throws RedisConfigurationException because the program is wrong, not what a client has sent */
function cacheKeyOfAll(...args: readonly unknown[]): string {
  try {
    return cacheKeyOf(args);
  } catch (error) {
    if (!(error instanceof RedisInvalidKeyException)) throw error;
    const accepted = `arguments that have a key; ${error.message}`;
    throw refusal('Cached', error.part, accepted);
  }
}

/** The name of a method. A cached method that another one calls through `super` has its own entries. */
function resourceOf(self: object, prototype: object, property: string | symbol): string {
  const className = self.constructor.name;
  const method = typeof property === 'symbol' ? (property.description ?? '') : property;
  return ownerOf(self, property) === prototype
    ? `${className}.${method}`
    : `${className}.${prototype.constructor.name}.${method}`;
}

/** Finds the prototype whose method is called on the instance. */
function ownerOf(self: object, property: string | symbol): object | null {
  let owner: object | null = Object.getPrototypeOf(self) as object | null;
  while (owner && !Object.hasOwn(owner, property)) {
    owner = Object.getPrototypeOf(owner) as object | null;
  }
  return owner;
}

interface Claim {
  readonly className: unknown;
  readonly prototype: object;
  readonly property: string | symbol;
}

/** The methods of each cache, by their names. They are kept here because caches know no decorators. */
const claims = new WeakMap<RedisCache, Map<string, Claim>>();

/** @throws RedisConfigurationException if another method, or another class, has the name */
function claim(
  cache: RedisCache,
  resource: string,
  self: object,
  prototype: object,
  property: string | symbol,
): void {
  const { constructor } = self;
  if (constructor.name === '' && resource.startsWith('.')) {
    throw refusal('Cached', resource, 'the option name, because the class has none');
  }
  const ofCache = claims.get(cache) ?? new Map<string, Claim>();
  claims.set(cache, ofCache);
  const other = ofCache.get(resource);
  ofCache.set(resource, other ?? { className: constructor, prototype, property });
  if (!other) return;
  const same =
    other.className === constructor && other.prototype === prototype && other.property === property;
  if (same) return;
  const accepted = 'another name, with the option name: another class or method has this one';
  throw refusal('Cached', resource, accepted);
}
