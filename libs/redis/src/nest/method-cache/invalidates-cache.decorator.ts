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

interface WhatIsInvalidated<
  TagArgs extends readonly unknown[],
  KeyArgs extends readonly unknown[],
> {
  /** The tags that are invalidated. */
  readonly tags?: ListOr<KeyPart, TagArgs> | undefined;
  /** The entries that are deleted. */
  readonly keys?: ListOr<CacheKey, KeyArgs> | undefined;
  /**
   * The name of the cache, from `RedisModule.forCache`, or of a connection.
   * @default the default connection's
   */
  readonly cache?: string | undefined;
  /**
   * What the method returns; only needed where the compiler emits no decorator metadata, or the
   * declared type is an alias.
   * @default its declared type
   */
  readonly returns?: 'promise' | 'observable' | undefined;
}

/**
 * The functions among the options take the method's result, then its arguments.
 *
 * @publicApi
 */
export interface InvalidatesCacheOptions<
  TagArgs extends readonly unknown[] = never[],
  KeyArgs extends readonly unknown[] = never[],
> extends WhatIsInvalidated<TagArgs, KeyArgs> {
  /**
   * `'after'` the method has succeeded, or `'around'` it: see {@link InvalidatesCacheAroundOptions}.
   * @default 'after'
   */
  readonly when?: 'after' | undefined;
}

/**
 * The method runs inside `RedisCache.change`: nothing old stays cached even if the process dies before it
 * can invalidate. The functions among the options take the method's arguments only, because they are
 * called before it.
 *
 * @publicApi
 */
export interface InvalidatesCacheAroundOptions<
  TagArgs extends readonly unknown[] = never[],
  KeyArgs extends readonly unknown[] = never[],
> extends WhatIsInvalidated<TagArgs, KeyArgs> {
  readonly when: 'around';
}

/**
 * Invalidates what was cached, after a method has succeeded and before its caller hears of it: nobody
 * who has seen the result reads what was cached before. An Observable's values are held back until it
 * has completed; the result is the last of them. Several decorators can stand above each other.
 *
 * Rejects with what the cache rejects with, if Redis did not acknowledge the invalidation: the method
 * has succeeded then, and what is cached may be old. If several were not acknowledged it is a
 * RedisBatchException whose `errors` name all of these tags and keys; with `when: 'around'` it is a
 * RedisInvalidationException.
 *
 * With `when: 'around'` it is invalidated if the method fails, too, and a process that dies between the
 * commit and the invalidation leaves nothing old behind.
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
    const { tags, keys } = options as WhatIsInvalidated<readonly unknown[], readonly unknown[]>;
    const declaration = { prototype, property, decorator: 'InvalidatesCache', cache, returns };
    replaceMethod(declaration, descriptor, AROUND[when]({ tags, keys }));
  };
}

type What = Pick<WhatIsInvalidated<readonly unknown[], readonly unknown[]>, 'tags' | 'keys'>;

const AROUND = {
  after: ({ tags, keys }: What): Around => {
    return async ({ cache, args, run }) => {
      const values = await run();
      const given = [last(values), ...args];
      await invalidate(cache, listOf(tags, given), listOf(keys, given));
      return values;
    };
  },
  around: ({ tags, keys }: What): Around => {
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
 * Tries all of it: what cannot be invalidated must not keep the rest from being so.
 *
 * @throws what one of them was rejected with; if several were, a RedisBatchException that names them all
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
