import { BEAT_MS } from './heartbeat.js';
import { isLeftBehind } from '../store/lease-token.js';

/** Fewer missed beats than this say nothing: a machine may be busy. */
const LEAST_MS = 3 * BEAT_MS;

/**
 * Watches the holder of a lease for signs of life, for one who waits for what it loads.
 *
 * @internal
 */
export class Vigil {
  readonly #patienceMs: number;
  #lease: string | null = null;
  #seenAt = 0;
  #silentMs = 0;

  /** @param timeoutMs how long the one who waits would wait for Redis */
  constructor(timeoutMs: number) {
    this.#patienceMs = Math.max(timeoutMs, LEAST_MS);
  }

  /** @param lease what is stored as the lease now, `null` for nothing */
  sees(lease: string | null): void {
    const now = performance.now();
    // At least three looks: that this process was busy, or stopped, says nothing about the holder.
    const sinceLast = Math.min(now - this.#seenAt, this.#patienceMs / 2);
    this.#silentMs = lease === this.#lease ? this.#silentMs + sinceLast : 0;
    this.#lease = lease;
    this.#seenAt = now;
  }

  /** The lease as it was last seen, if its holder cannot be alive. */
  get orphan(): string | undefined {
    const lease = this.#lease;
    if (lease === null) return undefined;
    return isLeftBehind(lease) || this.#silentMs >= this.#patienceMs ? lease : undefined;
  }
}
