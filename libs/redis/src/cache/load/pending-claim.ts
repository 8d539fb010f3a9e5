import { slotOf } from '../../connection/driver/hash-slots.js';
import type { RedisException } from '../../errors/redis.exception.js';
import { hasGaps } from '../entry/writers.js';
import type { Budget } from '../outage/budget.js';
import { GuardedRead } from '../outage/guarded-read.js';
import type { Claim, ClaimAnswer } from '../store/claim-command.js';
import type { Captured, ClaimSink } from '../store/claims.js';

/** The answer to a claim. */
export type Claimed =
  | { readonly state: 'acquired'; readonly versions: Captured }
  /** The lease as it is now. */
  | { readonly state: 'held'; readonly lease: string }
  /** The entry has been filled since it was judged. */
  | { readonly state: 'changed' }
  /** A writer is changing what the entry is made from: what is loaded now must not be stored. */
  | { readonly state: 'changing' };

/** The holder of the lease that is claimed. */
export interface Claimant {
  /** Ends without the lease. */
  end(): void;
  /** Gives back what was taken, or may have been. */
  release(): void;
  /** Hears that something else than text is stored where the entry should be. */
  onForeign(): void;
  onFailure(operation: 'lease', error: unknown): void;
}

/**
 * A claim that has not been answered.
 *
 * The caller waits as long as its budget, the claim itself for a whole `timeout`. A claim that timed out
 * may still be executed later: its command may wait in a socket, or have been redirected. The lease is
 * therefore given back right behind that command, and once more if the claim succeeds late.
 *
 * @internal
 */
export class PendingClaim extends GuardedRead<Claimed> implements ClaimSink {
  readonly claim: Claim;
  readonly #claimant: Claimant;
  readonly #onLate: (versions: Captured) => void;
  #isAnswered = false;
  #isGivenUp = false;

  /** @param onLate called with the versions if the lease came in time for Redis and too late for the caller */
  constructor(
    claim: Claim,
    claimant: Claimant,
    budget: Budget,
    onLate: (versions: Captured) => void,
  ) {
    super(claim.keys.entry, 'lease', budget);
    this.claim = claim;
    this.#claimant = claimant;
    this.#onLate = onLate;
  }

  get slots(): readonly number[] {
    return [slotOf(this.key), ...this.claim.dependencies.slots];
  }

  override get isOver(): boolean {
    return super.isOver && (this.#isAnswered || this.#isGivenUp);
  }

  answered(answer: ClaimAnswer, versions: Captured): void {
    this.#isAnswered = true;
    const claimed = this.#claimedWith(answer, versions);
    if (this.isSettled) {
      this.#answeredLate(claimed);
      return;
    }
    this.settle();
    if (claimed.state !== 'acquired') this.#claimant.end();
    else if (answer === 'foreign') this.#claimant.onForeign();
    this.resolve(claimed);
  }

  #claimedWith(answer: ClaimAnswer, versions: Captured): Claimed {
    if (answer === 'changed') return CHANGED;
    const isTaken = answer === 'acquired' || answer === 'foreign';
    if (answer === 'changing' || hasGaps(versions)) {
      if (isTaken) this.#claimant.release();
      return CHANGING;
    }
    return isTaken ? { state: 'acquired', versions } : { state: 'held', lease: answer[0] };
  }

  #answeredLate(claimed: Claimed): void {
    if (claimed.state !== 'acquired') this.#claimant.end();
    else if (this.#isGivenUp) this.#claimant.release();
    else this.#onLate(claimed.versions);
  }

  failed(error: unknown): void {
    this.fail(error);
    this.#giveUp();
  }

  /** Ends the wait of the caller. The lease may still come in time for later callers. */
  override fail(error: unknown): void {
    if (this.isSettled) return;
    this.#claimant.onFailure('lease', error);
    super.fail(error);
  }

  override blame(error: RedisException): void {
    super.blame(error);
    this.#giveUp();
  }

  #giveUp(): void {
    if (this.#isAnswered || this.#isGivenUp) return;
    this.#isGivenUp = true;
    this.#claimant.release();
  }
}

const CHANGED: Claimed = { state: 'changed' };
const CHANGING: Claimed = { state: 'changing' };
