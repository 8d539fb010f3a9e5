import type { RedisException } from '../../errors/redis.exception.js';
import { RedisConnectionException } from '../../errors/redis-connection.exception.js';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';

interface BreakerOptions {
  /** After how many failures in a row it opens. */
  readonly threshold: number;
  /** How long it stays open before one call may try. */
  readonly cooldownMs: number;
  /** Told when it opens, with the reason, and when it closes. */
  readonly onChange: (state: 'open' | 'closed', error?: RedisException) => void;
}

/**
 * Leaves a server alone that does not answer: after some failures in a row nothing is sent for a
 * while, then one call tries (https://martinfowler.com/bliki/CircuitBreaker.html). Timeouts and
 * connection failures count; a command that the server refuses shows that it is there.
 *
 * @internal
 */
export class CircuitBreaker {
  readonly #options: BreakerOptions;
  #failures = 0;
  #openUntil = 0;
  #lastError: RedisException | undefined;
  #isProbing = false;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Whether a call would be refused now. After the cooldown the next one may try. */
  get isOpen(): boolean {
    return this.#openUntil > 0 && (this.#isProbing || performance.now() < this.#openUntil);
  }

  /**
   * Asks to send something. Who is allowed has to say how it went: `succeeded`, `failed` or `notTried`.
   *
   * @returns why it may not be sent; `undefined` if it may
   */
  refusal(): RedisException | undefined {
    if (this.#openUntil === 0) return undefined;
    if (this.isOpen) return this.#lastError;
    this.#isProbing = true;
    return undefined;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#isProbing = false;
    if (this.#openUntil === 0) return;
    this.#openUntil = 0;
    this.#options.onChange('closed');
  }

  /** What was allowed was not sent. */
  notTried(): void {
    this.#isProbing = false;
  }

  failed(error: RedisException): void {
    if (!isOutage(error)) {
      this.succeeded();
      return;
    }
    this.#failures++;
    this.#lastError = error;
    this.#isProbing = false;
    const wasOpen = this.#openUntil > 0;
    if (!wasOpen && this.#failures < this.#options.threshold) return;
    this.#openUntil = performance.now() + this.#options.cooldownMs;
    if (!wasOpen) this.#options.onChange('open', error);
  }
}

function isOutage(error: RedisException): boolean {
  return error instanceof RedisTimeoutException || error instanceof RedisConnectionException;
}
