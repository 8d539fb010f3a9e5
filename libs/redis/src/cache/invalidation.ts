import { multiUnlink } from '../batch/multi-unlink.js';
import { scanKeys } from '../connection/driver/scan-keys.js';
import type { RedisClient } from '../connection/options/options.js';
import { connectionOf } from '../connection/connection.js';
import { RedisAuthenticationException } from '../errors/redis-authentication.exception.js';
import { RedisBatchException } from '../errors/redis-batch.exception.js';
import { RedisCommandException } from '../errors/redis-command.exception.js';
import { RedisPermissionException } from '../errors/redis-permission.exception.js';
import { RedisException } from '../errors/redis.exception.js';
import type { KeyPart } from '../keys/key-encoding.js';
import type { CacheKeys } from './cache-keys.js';
import type { InvalidatePatternOptions } from './cache-options.js';
import type { CacheParts } from './load/load-request.js';
import { Budget } from './outage/budget.js';
import { RedisAway } from './outage/redis-away.js';
import type { CacheStore, EntryKeys } from './store/cache-store.js';

/**
 * Says of cached values that they are not right any more. What is sent is sent whatever the state of
 * the connection: nobody else will say it.
 *
 * @internal
 */
export class Invalidation {
  readonly #client: RedisClient;
  readonly #parts: CacheParts;
  readonly #keys: CacheKeys;

  constructor(client: RedisClient, parts: CacheParts, keys: CacheKeys) {
    this.#client = client;
    this.#parts = parts;
    this.#keys = keys;
  }

  /**
   * A tag whose version is gone makes all invalid that depend on it, and the next version is never one
   * that there was before.
   */
  async tags(names: readonly KeyPart[]): Promise<void> {
    const { dependencies } = this.#parts;
    const tags = [...new Set(names)].map((n) => [String(n), dependencies.tag(n).key] as const);
    const errors = new Map<string, RedisException>();
    const done = new Map<string, true>();
    await Promise.all(
      tags.map(async ([label, key]) => {
        const error = await this.insist(key, (store) => store.drop(key));
        if (error instanceof RedisException) errors.set(label, error);
        else done.set(label, true);
      }),
    );
    this.announce('tag', tags.length, errors.size);
    if (errors.size > 0) throw new RedisBatchException('invalidateTags', errors, done);
  }

  async entry(keys: EntryKeys): Promise<boolean> {
    const removed = await this.insist(keys.entry, (store) => store.remove(keys));
    const isFailure = removed instanceof RedisException;
    this.announce('key', 1, isFailure ? 1 : 0);
    if (isFailure) throw removed;
    return removed === true;
  }

  /**
   * Leases first, and all of them before any entry: a load that began before is either still on the
   * list of leases, or its entry is on the other one.
   */
  async pattern(
    pattern: string,
    { onProgress, signal }: InvalidatePatternOptions,
  ): Promise<number> {
    const { store } = this.#parts;
    const { entries, leases } = this.#keys.patterns(pattern);
    let deleted = 0;
    try {
      for await (const page of this.#scan(leases, signal)) await store.dropAll(page);
      for await (const page of this.#scan(entries, signal)) {
        await store.dropAll(page.map((key) => this.#keys.leaseOf(key)));
        deleted += await this.#unlink(page);
        onProgress?.(deleted);
      }
    } catch (error) {
      this.announce('pattern', deleted, 1);
      throw error;
    }
    this.announce('pattern', deleted, 0);
    return deleted;
  }

  async *#scan(pattern: string, signal: AbortSignal | undefined) {
    const pages = scanKeys(this.#client, pattern);
    for (;;) {
      signal?.throwIfAborted();
      const page = await pages.next().catch((error: unknown) => {
        throw connectionOf(this.#client).exceptionOf(error);
      });
      if (page.done) return;
      yield page.value;
    }
  }

  /**
   * @param isPromised whether the outbox is to keep it although the cache has none: the caller will not
   * hear that it is not done
   * @returns what it came to, or why it is not done; `undefined` if the outbox will see to it
   */
  async insist<T>(
    key: string,
    deletion: (store: CacheStore) => Promise<T>,
    isPromised = false,
  ): Promise<T | RedisException | undefined> {
    const { guard, outbox, options, announcer, store } = this.#parts;
    const budget = new Budget(options.policy.timeoutMs);
    try {
      const task = { key, operation: 'delete', budget };
      return await guard.insist(task, (ask) => deletion(store.noting(ask)));
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      announcer.announce('cache.failure', { key, operation: 'delete', error: error.error });
      const isWorthKeeping = (options.outbox || isPromised) && !willBeRefusedAgain(error.error);
      const isKept = isWorthKeeping && outbox.add(key, () => deletion(store), this.#onDelivered);
      return isKept ? undefined : error.error;
    }
  }

  readonly #onDelivered = (pending: number): void => {
    const facts = { by: 'outbox', count: 0, failed: 0, pending } as const;
    this.#parts.announcer.announce('cache.invalidation', facts);
  };

  async #unlink(keys: readonly string[]): Promise<number> {
    let deleted = 0;
    for (const { outcome } of await multiUnlink(this.#client, keys)) {
      if (outcome instanceof RedisException) throw outcome;
      deleted += outcome;
    }
    return deleted;
  }

  announce(by: 'tag' | 'key' | 'pattern' | 'change', count: number, failed: number): void {
    const pending = this.#parts.outbox.size;
    this.#parts.announcer.announce('cache.invalidation', { by, count, failed, pending });
  }
}

function willBeRefusedAgain(error: RedisException): boolean {
  return (
    error instanceof RedisPermissionException ||
    error instanceof RedisAuthenticationException ||
    error instanceof RedisCommandException
  );
}
