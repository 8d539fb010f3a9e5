import { slotOf } from '../../connection/driver/hash-slots.js';
import type { RedisException } from '../../errors/redis.exception.js';
import { Budget } from '../outage/budget.js';
import { GuardedRead } from '../outage/guarded-read.js';
import type { Fill, FillSink } from '../store/fills.js';
import type { FillOutcome } from './load-tracing.js';

/** The holder of the lease under which an entry is stored. */
export interface Filler {
  /** Ends the lease. @returns the outcome for the caller */
  onFilled(isStored: boolean): FillOutcome;
  onFailure(operation: 'fill', error: unknown): void;
}

/**
 * An entry that is being stored. Callers need not know whether it could be, and wait for it no longer than
 * they wait for Redis anyway; the entry itself has a whole `timeout`.
 *
 * @internal
 */
export class PendingFill extends GuardedRead<FillOutcome> implements FillSink {
  readonly fill: Fill;
  readonly #filler: Filler;
  #isDecided = false;

  /** @param patienceMs how long the caller waits */
  constructor(fill: Fill, filler: Filler, timeoutMs: number, patienceMs: number) {
    super(fill.keys.entry, 'fill', new Budget(timeoutMs));
    this.deadline = this.startedAt + Math.min(patienceMs, timeoutMs);
    this.fill = fill;
    this.#filler = filler;
  }

  get slots(): readonly number[] {
    return [slotOf(this.key)];
  }

  answered(isStored: boolean): void {
    if (this.#isDecided) return;
    this.#isDecided = true;
    this.#end(this.#filler.onFilled(isStored));
  }

  failed(error: unknown): void {
    if (this.#isDecided) return;
    this.#isDecided = true;
    this.#filler.onFailure('fill', error);
    this.#end(this.#filler.onFilled(false));
  }

  /** Ends the wait of the caller, who goes on without the outcome. */
  override fail(): void {
    this.#end(undefined);
  }

  override blame(error: RedisException): void {
    super.blame(error);
    this.failed(error);
  }

  #end(outcome: FillOutcome): void {
    if (this.isSettled) return;
    this.settle();
    this.resolve(outcome);
  }
}
