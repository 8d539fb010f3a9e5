import type { CacheKey } from '../../cache/cache-options.js';
import type { RedisCache } from '../../cache/redis-cache.js';
import { RedisBatchException } from '../../errors/redis-batch.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import { refuseUnknownOptions } from '../../errors/unknown-options.js';
import type { KeyPart } from '../../keys/key-encoding.js';
import { last, replaceMethod, type MethodCall } from './cached-methods.js';
import { listOf, type ListOr, type ResultDecorator } from './method-options.js';

/**
 * The functions among the options take the method's result, then its arguments.
 *
 * @publicApi
 */
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
 * has succeeded then, and what is cached may be old. If several were not acknowledged it is a
 * RedisBatchException whose `errors` name all of these tags and keys.
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
    refuseUnknownOptions(options, OPTIONS, `@InvalidatesCache() of ${String(property)}: `);
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

const OPTIONS = {
  tags: true,
  keys: true,
  cache: true,
  returns: true,
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
  await Promise.all([...ofTags, ...keys.map((key) => attempt([nameOf(key)], cache.delete(key)))]);
  if (failures.length === 0) return;
  const mistake = failures.find((failure) => !(failure instanceof RedisException));
  if (mistake !== undefined || failures.length === 1) throw mistake ?? failures[0];
  throw new RedisBatchException('@InvalidatesCache()', errors, done);
}

function nameOf(key: CacheKey): string {
  return typeof key === 'string' ? key : key.join(':');
}
