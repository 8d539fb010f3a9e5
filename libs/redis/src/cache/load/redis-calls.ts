import type { CacheParts, LoadRequest } from './load-request.js';
import { Budget } from '../outage/budget.js';
import { RedisAway } from '../outage/waiting.js';
import type { CacheStore } from '../store/cache-store.js';

type Operation = 'lease' | 'read' | 'fill';

/**
 * What a flight asks Redis for; failures are announced.
 *
 * @internal
 */
export class RedisCalls {
  readonly #parts: CacheParts;
  readonly #request: LoadRequest;

  constructor(parts: CacheParts, request: LoadRequest) {
    this.#parts = parts;
    this.#request = request;
  }

  /**
   * @param keys what it asks for
   * @param budget by default one of its own: for what the callers do not wait for
   * @throws RedisAway
   */
  attempt<T>(
    operation: Operation,
    keys: readonly string[],
    work: (store: CacheStore) => Promise<T>,
    budget = new Budget(this.#request.policy.timeoutMs),
  ): Promise<T> {
    const { guard, store } = this.#parts;
    const undertaking = { key: this.#request.keys.entry, operation, budget, keys };
    const attempt = guard.attempt(undertaking, (ask) => work(store.noting(ask)));
    return this.announced(operation, attempt);
  }

  /** Announces what Redis fails with. */
  async announced<T>(operation: Operation, answer: Promise<T>): Promise<T> {
    try {
      return await answer;
    } catch (error) {
      if (error instanceof RedisAway) {
        const key = this.#request.keys.entry;
        this.#parts.announcer.announce('cache.failure', { key, operation, error: error.error });
      }
      throw error;
    }
  }
}
