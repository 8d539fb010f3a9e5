import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';

/**
 * Lets so many loads run at once and no more: while Redis is away nothing else protects what they load
 * from. First come, first served.
 *
 * @internal
 */
export class LoadGate {
  readonly #most: number;
  readonly #waiting = new Set<() => void>();
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * @param waitMs how long to wait for a turn
   * @throws RedisTimeoutException when it did not come
   */
  async run<T>(key: string, waitMs: number, load: () => Promise<T>): Promise<T> {
    if (this.#running >= this.#most) await this.#turn(key, waitMs);
    else this.#running++;
    try {
      return await load();
    } finally {
      this.#leave();
    }
  }

  /** Whoever leaves hands its place over, so that nobody else takes it. */
  #leave(): void {
    const [next] = this.#waiting;
    if (!next) {
      this.#running--;
      return;
    }
    this.#waiting.delete(next);
    next();
  }

  #turn(key: string, waitMs: number): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(enter);
        const operation = 'cache load (waiting for its turn while Redis is away)';
        reject(new RedisTimeoutException({ operation, key, timeoutMs: waitMs }));
      }, waitMs);
      this.#waiting.add(enter);
    });
  }
}
