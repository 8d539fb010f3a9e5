import type { RedisException } from '../../errors/redis.exception.js';
import { RedisConnectionException } from '../../errors/redis-connection.exception.js';
import { RedisTimeoutException } from '../../errors/redis-timeout.exception.js';

interface BreakerOptions {
  /** The number of failures in a row after which the breaker opens. */
  readonly threshold: number;
  /** The time that the breaker stays open before one call may try. */
  readonly cooldownMs: number;
  /** Called when the breaker opens, with the reason, and when it closes. */
  readonly onChange: (state: 'open' | 'closed', error?: RedisException) => void;
  /** Called with the time of the quickest reply, when for a while all replies come too late. */
  readonly onTooFar: (roundTripMs: number) => void;
}

/**
 * How many replies in a row have to be late, and for how long. The time matters because a server that
 * was frozen sends many late replies at once.
 */
const LEAST_LATE = 3;
const LATE_FOR_MS = 2_000;

/**
 * Stops asking a server that does not answer: after some failures in a row nothing is sent for a
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
  #late: { since: number; count: number; quickestMs: number } | undefined;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** Whether a call would be refused now. After the cooldown the next one may try. */
  get isOpen(): boolean {
    return this.#openUntil > 0 && (this.#isProbing || performance.now() < this.#openUntil);
  }

  /**
   * Asks for permission to send something. A caller who gets it has to report the outcome: `succeeded`,
   * `failed` or `notTried`.
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
    this.#late = undefined;
    this.#isProbing = false;
    if (this.#openUntil === 0) return;
    this.#openUntil = 0;
    this.#options.onChange('closed');
  }

  /** Counts a reply that came when its caller had gone on without it. */
  late(tookMs: number, failure: RedisException | undefined): void {
    if (failure) return;
    const now = performance.now();
    this.#late ??= { since: now, count: 0, quickestMs: tookMs };
    const late = this.#late;
    late.count++;
    late.quickestMs = Math.min(late.quickestMs, tookMs);
    if (late.count < LEAST_LATE || now - late.since < LATE_FOR_MS) return;
    this.#late = undefined;
    this.#options.onTooFar(late.quickestMs);
  }

  /** Takes back a permission that was not used. */
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
