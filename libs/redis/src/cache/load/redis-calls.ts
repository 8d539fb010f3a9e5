import type { CacheParts, LoadRequest } from '../cache-parts.js';
import { Budget } from '../outage/outage-guard.js';
import { RedisAway } from '../outage/redis-away.js';

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
   * @param budget by default one of its own: for what the callers do not wait for
   * @throws RedisAway
   */
  attempt<T>(
    operation: Operation,
    work: () => Promise<T>,
    budget = new Budget(this.#request.policy.timeoutMs),
  ): Promise<T> {
    const { entry } = this.#request.keys;
    return this.announced(operation, this.#parts.guard.attempt(entry, operation, budget, work));
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
