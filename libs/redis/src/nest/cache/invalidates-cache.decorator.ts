import type { CacheKey } from '../../cache/cache-options.js';
import type { RedisCache } from '../../cache/redis-cache.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import { last, replaceMethod, type MethodCall } from './cached-methods.js';
import { listOf, type ListOr, type ResultDecorator } from './method-options.js';

/** The functions among the options take the method's result, then its arguments. */
export interface InvalidatesCacheOptions<
  TagArgs extends readonly unknown[] = never[],
  KeyArgs extends readonly unknown[] = never[],
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
 * Invalidates what was cached, after a method has succeeded and before its caller hears of it: nobody
 * who has seen the result reads what was cached before. An Observable's values are held back until it
 * has completed; the result is the last of them. Several decorators can stand above each other.
 *
 * Rejects with what the cache rejects with, if Redis did not acknowledge the invalidation: the method
 * has succeeded then, and what is cached may be old.
 *
 * @example
 * ```ts
 * @InvalidatesCache({ tags: (post: Post) => [`post-${post.id}`] })
 * async update(id: number, changes: Changes): Promise<Post> { ... }
 * ```
 *
 * @publicApi
 */
export function InvalidatesCache<
  TagArgs extends readonly unknown[] = [],
  KeyArgs extends readonly unknown[] = [],
>(options: InvalidatesCacheOptions<TagArgs, KeyArgs>): ResultDecorator<TagArgs, KeyArgs> {
  const { tags, keys, cache, returns } = options;
  return (prototype, property, descriptor) => {
    const around = async ({ cache: injected, args, run }: MethodCall) => {
      const values = await run();
      const given: readonly unknown[] = [last(values), ...args];
      await invalidate(
        injected,
        listOf(tags, given as unknown as TagArgs),
        listOf(keys, given as unknown as KeyArgs),
      );
      return values;
    };
    replaceMethod(
      { prototype, property, decorator: 'InvalidatesCache', cache, returns },
      descriptor,
      around,
    );
  };
}

/** Tries all of it: what cannot be invalidated must not keep the rest from being so. */
async function invalidate(
  cache: RedisCache,
  tags: readonly KeyPart[] = [],
  keys: readonly CacheKey[] = [],
): Promise<void> {
  const outcomes = await Promise.allSettled([
    ...(tags.length > 0 ? [cache.invalidateTags(...tags)] : []),
    ...keys.map((key) => cache.delete(key)),
  ]);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}
