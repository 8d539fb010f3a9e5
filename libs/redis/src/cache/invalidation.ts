import { multiUnlink } from '../batch/multi-key.js';
import { scanKeys } from '../connection/driver/scan-keys.js';
import type { Connection } from '../connection/connection.js';
import { LocalChanges } from '../connection/local-changes.js';
import { RedisAuthenticationException } from '../errors/redis-authentication.exception.js';
import { RedisBatchException } from '../errors/redis-batch.exception.js';
import { RedisCommandException } from '../errors/redis-command.exception.js';
import { RedisPermissionException } from '../errors/redis-permission.exception.js';
import { RedisUnconfirmedException } from '../errors/redis-unconfirmed.exception.js';
import { RedisException } from '../errors/redis.exception.js';
import type { KeyPart } from '../keys/key-encoding.js';
import type { CacheKeys } from './cache-keys.js';
import type { InvalidatePatternOptions } from './cache-options.js';
import type { CacheAnnouncer } from './cache-announcer.js';
import type { ResolvedCacheOptions } from './cache-policy.js';
import type { Dependencies } from './entry/dependencies.js';
import { Outbox } from './outage/outbox.js';
import { RedisAway } from './outage/waiting.js';
import type { CacheStore, EntryKeys } from './store/cache-store.js';

/**
 * Invalidates cached values. Bypasses the circuit breaker, and sends even over a connection that is not
 * ready: a skipped invalidation would be lost.
 *
 * @internal
 */
export class Invalidation {
  readonly #connection: Connection;
  readonly #keys: CacheKeys;
  readonly #dependencies: Dependencies;
  readonly #options: ResolvedCacheOptions;
  readonly #store: CacheStore;
  readonly #outbox: Outbox;
  readonly #announcer: CacheAnnouncer;
  readonly #changes: LocalChanges;

  constructor(
    connection: Connection,
    keys: CacheKeys,
    dependencies: Dependencies,
    options: ResolvedCacheOptions,
    store: CacheStore,
    announcer: CacheAnnouncer,
  ) {
    this.#connection = connection;
    this.#keys = keys;
    this.#dependencies = dependencies;
    this.#options = options;
    this.#store = store;
    this.#outbox = connection.part(Outbox);
    this.#announcer = announcer;
    this.#changes = connection.part(LocalChanges);
  }

  /**
   * Deletes the versions of tags. Without its version a tag makes everything invalid that depends on it,
   * and its next version is never one that it had before.
   */
  async tags(names: readonly KeyPart[]): Promise<void> {
    const tags = [...new Set(names)].map(
      (n) => [String(n), this.#dependencies.tag(n).key] as const,
    );
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
   * Deletes what matches a pattern: first all leases, then the entries. The entry of a load that began
   * before is therefore either not filled any more, or found by the second scan.
   */
  async pattern(
    pattern: string,
    { onProgress, signal }: InvalidatePatternOptions,
  ): Promise<number> {
    const { entries, leases } = this.#keys.patterns(pattern);
    const deletion = new PatternDeletion(this.#store);
    let deleted = 0;
    // The process may hold what Redis has lost meanwhile, which no scan finds.
    this.#changes.tellAll();
    try {
      for await (const page of this.#scan(leases, signal)) {
        await deletion.go((store) => store.dropAll(page));
      }
      for await (const page of this.#scan(entries, signal)) {
        const ended = page.map((key) => this.#keys.leaseOf(key));
        await deletion.go((store) => store.dropAll(ended));
        deleted += (await deletion.go((store) => this.#unlink(store, page))) ?? 0;
        onProgress?.(deleted);
      }
      if (deletion.failure) throw deletion.failure;
    } catch (error) {
      this.announce('pattern', deleted, 1);
      throw error;
    } finally {
      this.#changes.tellAll();
    }
    this.announce('pattern', deleted, 0);
    return deleted;
  }

  async *#scan(pattern: string, signal: AbortSignal | undefined) {
    const pages = scanKeys(this.#connection.client, pattern);
    for (;;) {
      signal?.throwIfAborted();
      const page = await this.#connection.run(() => pages.next());
      if (page.done) return;
      yield page.value;
    }
  }

  /**
   * Deletes something, even over a connection that is not ready.
   *
   * @param isPromised whether the outbox is to keep it although the cache has none: the caller will not be
   * told that it is not done
   * @returns its result, or why it is not done; `undefined` if the outbox will repeat it
   */
  async insist<T>(
    key: string,
    deletion: (store: CacheStore) => Promise<T>,
    isPromised = false,
  ): Promise<T | RedisException | undefined> {
    const budget = this.#store.budget(this.#options.policy.timeoutMs);
    try {
      return await this.#store.insist({ key, operation: 'delete', budget }, deletion);
    } catch (error) {
      if (!(error instanceof RedisAway)) throw error;
      this.#announcer.failure(key, 'delete', error);
      const isWorthKeeping =
        (this.#options.outbox || isPromised) && !willBeRefusedAgain(error.error);
      const repeat = () => deletion(this.#store);
      const isKept = isWorthKeeping && this.#outbox.add(key, repeat, this.#onDelivered);
      if (!isKept) return error.error;
      this.#changes.tell([key]); // from now on nothing that depends on it is served
      return undefined;
    }
  }

  readonly #onDelivered = (pending: number): void => {
    const facts = { by: 'outbox', count: 0, failed: 0, pending } as const;
    this.#announcer.announce('cache.invalidation', facts);
  };

  async #unlink(store: CacheStore, keys: readonly string[]): Promise<number> {
    if (store.isConfirmed) return store.removeAll(keys);
    let deleted = 0;
    const unlinked = await this.#changes.around(keys, () => multiUnlink(this.#connection, keys));
    for (const { outcome } of unlinked) {
      if (outcome instanceof RedisException) throw outcome;
      deleted += outcome;
    }
    return deleted;
  }

  announce(by: 'tag' | 'key' | 'pattern' | 'change', count: number, failed: number): void {
    const pending = this.#outbox.size;
    this.#announcer.announce('cache.invalidation', { by, count, failed, pending });
  }
}

/**
 * The deletions of one pattern. Goes on when replicas do not confirm one of them, so that the primary deletes
 * everything, and then asks no replica any more: each further page would wait as long.
 */
class PatternDeletion {
  failure: RedisUnconfirmedException | undefined;
  #store: CacheStore;

  constructor(store: CacheStore) {
    this.#store = store;
  }

  /** @returns `undefined` if it is done and not confirmed */
  async go<T>(step: (store: CacheStore) => Promise<T>): Promise<T | undefined> {
    try {
      return await step(this.#store);
    } catch (error) {
      if (!(error instanceof RedisUnconfirmedException)) throw error;
      this.failure = error;
      this.#store = this.#store.unconfirmed;
      return undefined;
    }
  }
}

function willBeRefusedAgain(error: RedisException): boolean {
  return (
    error instanceof RedisPermissionException ||
    error instanceof RedisAuthenticationException ||
    error instanceof RedisCommandException ||
    (error instanceof RedisUnconfirmedException && error.reason === 'refused')
  );
}
