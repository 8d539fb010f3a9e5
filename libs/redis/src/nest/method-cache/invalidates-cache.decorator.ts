import { nameOfKey } from '../../cache/cache-keys.js';
import type { CacheKey } from '../../cache/cache-options.js';
import type { RedisCache } from '../../cache/redis-cache.js';
import { RedisBatchException } from '../../errors/redis-batch.exception.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import { last, replaceMethod, type Around } from './cached-methods.js';
import { listOf, type CallDecorator, type ListOr, type ResultDecorator } from './method-options.js';

interface InvalidationTargets<
  TagArgs extends readonly unknown[],
  KeyArgs extends readonly unknown[],
> {
  /** The tags that are invalidated. */
  readonly tags?: ListOr<KeyPart, TagArgs> | undefined;
  /** The entries that are deleted. */
  readonly keys?: ListOr<CacheKey, KeyArgs> | undefined;
  /**
   * The name of a cache of `RedisModule.forCache`, or of a connection, whose default cache is used.
   * @default the default connection
   */
  readonly cache?: string | undefined;
  /**
   * The kind of the method's result. It is needed only if the compiler emits no decorator metadata, or if
   * the declared type is an alias.
   * @default its declared type
   */
  readonly returns?: 'promise' | 'observable' | undefined;
}

/**
 * Options of {@link InvalidatesCache}. Functions among them take the method's result, then its arguments.
 *
 * @publicApi
 */
export interface InvalidatesCacheOptions<
  TagArgs extends readonly unknown[] = never[],
  KeyArgs extends readonly unknown[] = never[],
> extends InvalidationTargets<TagArgs, KeyArgs> {
  /**
   * `'after'` the method has succeeded, or `'around'` it: see {@link InvalidatesCacheAroundOptions}.
   * @default 'after'
   */
  readonly when?: 'after' | undefined;
}

/**
 * Options of {@link InvalidatesCache} for a method that runs inside `RedisCache.change`: no old value stays
 * cached, even if the process dies before it can invalidate. Functions among them take only the method's
 * arguments, because they are called before the method.
 *
 * @publicApi
 */
export interface InvalidatesCacheAroundOptions<
  TagArgs extends readonly unknown[] = never[],
  KeyArgs extends readonly unknown[] = never[],
> extends InvalidationTargets<TagArgs, KeyArgs> {
  readonly when: 'around';
}

/**
 * Invalidates cached values after a method has succeeded and before its caller gets the result. A caller
 * that has the result therefore reads no value that was cached before. The values of an Observable are
 * held back until it has completed; the result is the last of them. A method can have several of these
 * decorators.
 *
 * If Redis did not acknowledge the invalidation, the call rejects with the cache's exception: the method
 * has succeeded, but cached values may be old. If Redis did not acknowledge several of them, it is a
 * RedisBatchException whose `errors` name all of these tags and keys. With `when: 'around'` it is a
 * RedisInvalidationException.
 *
 * With `when: 'around'`, cached values are also invalidated if the method fails, and a process that dies
 * between the commit and the invalidation leaves no old value behind.
 *
 * @example
 * ```ts
 * @InvalidatesCache({ tags: (post: Post) => [`post-${post.id}`] })
 * async update(id: number, changes: Changes): Promise<Post> { ... }
 *
 * @InvalidatesCache({ when: 'around', tags: (id: number) => [`post-${id}`] })
 * async remove(id: number): Promise<void> { ... }
 * ```
 *
 * @publicApi
 */
export function InvalidatesCache<
  TagArgs extends readonly unknown[] = [],
  KeyArgs extends readonly unknown[] = [],
>(options: InvalidatesCacheAroundOptions<TagArgs, KeyArgs>): CallDecorator<TagArgs, KeyArgs, []>;
export function InvalidatesCache<
  TagArgs extends readonly unknown[] = [],
  KeyArgs extends readonly unknown[] = [],
>(options: InvalidatesCacheOptions<TagArgs, KeyArgs>): ResultDecorator<TagArgs, KeyArgs>;
export function InvalidatesCache(
  options: InvalidatesCacheOptions | InvalidatesCacheAroundOptions,
): MethodDecorator {
  const { cache, returns, when = 'after' } = options;
  return (prototype, property, descriptor) => {
    const where = `@InvalidatesCache() of ${String(property)}: `;
    refuseUnknownOptions(options, OPTIONS, where);
    if (!Object.hasOwn(AROUND, when)) {
      const accepted = "'after' or 'around'";
      throw new RedisConfigurationException([{ setting: `${where}when`, value: when, accepted }]);
    }
    const { tags, keys } = options as InvalidationTargets<readonly unknown[], readonly unknown[]>;
    const declaration = { prototype, property, decorator: 'InvalidatesCache', cache, returns };
    replaceMethod(declaration, descriptor, AROUND[when]({ tags, keys }));
  };
}

type Targets = Pick<InvalidationTargets<readonly unknown[], readonly unknown[]>, 'tags' | 'keys'>;

const AROUND = {
  after: ({ tags, keys }: Targets): Around => {
    return async ({ cache, args, run }) => {
      const values = await run();
      const given = [last(values), ...args];
      await invalidate(cache, listOf(tags, given), listOf(keys, given));
      return values;
    };
  },
  around: ({ tags, keys }: Targets): Around => {
    return async ({ cache, args, run }) => {
      let values: readonly unknown[] = [];
      await cache.change({ tags: listOf(tags, args), keys: listOf(keys, args) }, async () => {
        values = await run();
        return last(values); // for the exception that says that it was made
      });
      return values;
    };
  },
};

const OPTIONS = {
  tags: true,
  keys: true,
  cache: true,
  returns: true,
  when: true,
} as const satisfies Record<keyof InvalidatesCacheOptions, true>;

/**
 * Tries all tags and keys: one that cannot be invalidated must not prevent the others.
 *
 * @throws the error of the one that failed; a RedisBatchException that names them all if several failed
 */
async function invalidate(
  cache: RedisCache,
  tags: readonly KeyPart[] = [],
  keys: readonly CacheKey[] = [],
): Promise<void> {
  const failures: unknown[] = [];
  const errors = new Map<string, RedisException>();
  const done = new Map<string, unknown>();
  const attempt = async (names: readonly string[], work: Promise<unknown>) => {
    try {
      await work;
      for (const name of names) done.set(name, true);
    } catch (error) {
      failures.push(error);
      if (error instanceof RedisBatchException) {
        for (const [tag, its] of error.errors) errors.set(tag as string, its);
        for (const [tag, result] of error.results) done.set(tag as string, result);
      } else {
        for (const name of names) errors.set(name, error as RedisException);
      }
    }
  };
  const ofTags = tags.length > 0 ? [attempt(tags.map(String), cache.invalidateTags(...tags))] : [];
  await Promise.all([
    ...ofTags,
    ...keys.map((key) => attempt([nameOfKey(key)], cache.delete(key))),
  ]);
  if (failures.length === 0) return;
  const mistake = failures.find((failure) => !(failure instanceof RedisException));
  if (mistake !== undefined || failures.length === 1) throw mistake ?? failures[0];
  throw new RedisBatchException('@InvalidatesCache()', errors, done);
}
