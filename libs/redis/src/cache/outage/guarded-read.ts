import type { RedisException } from '../../errors/redis.exception.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { Waiting } from './waiting.js';

/**
 * A read that the guard admits to one server, or to several nodes of a cluster, and whose replies it
 * counts for the breaker of each.
 *
 * There is one for each read. Its state for one server is a field and not an object of its own: a second
 * object for each read would be felt.
 *
 * @internal
 */
export abstract class GuardedRead<T> extends Waiting<T> {
  /** Of the one server that there is. */
  #breaker: CircuitBreaker | undefined;
  #state: 'asked' | 'heard' | 'blamed' = 'asked';
  /** Those of a cluster that are asked. */
  #nodes: AskedNodes | undefined;

  /** The hash slots of what is read. The guard asks for them in a cluster only. */
  abstract get slots(): readonly number[];

  admitToServer(breaker: CircuitBreaker): void {
    this.#breaker = breaker;
  }

  admitToNodes(breakersBySlot: ReadonlyMap<number, CircuitBreaker>): void {
    this.#nodes = new AskedNodes(breakersBySlot);
  }

  get isOver(): boolean {
    return this.isSettled && (this.#nodes ? this.#nodes.haveAnswered : this.#state !== 'asked');
  }

  /**
   * Counts the answer to one of the read's commands.
   *
   * @param slot the hash slot of its keys
   * @param failure what it failed with
   */
  heard(slot: number, failure: RedisException | undefined): void {
    if (this.#nodes) {
      this.#nodes.heard(slot, this.startedAt, failure);
    } else if (this.#state === 'blamed') {
      this.#breaker?.late(performance.now() - this.startedAt, failure);
    } else {
      this.#state = 'heard';
      if (this.#breaker) report(this.#breaker, failure);
    }
  }

  blame(error: RedisException): void {
    if (this.#nodes) {
      this.#nodes.blame(error);
    } else {
      this.#state = 'blamed';
      this.#breaker?.failed(error);
    }
  }
}

/** The nodes of a cluster that a read asks. */
class AskedNodes {
  readonly #bySlot: ReadonlyMap<number, CircuitBreaker>;
  readonly #unheard: Set<CircuitBreaker>;
  readonly #blamed = new Set<CircuitBreaker>();

  constructor(bySlot: ReadonlyMap<number, CircuitBreaker>) {
    this.#bySlot = bySlot;
    this.#unheard = new Set(bySlot.values());
  }

  get haveAnswered(): boolean {
    return this.#unheard.size === 0;
  }

  heard(slot: number, askedAt: number, failure: RedisException | undefined): void {
    const breaker = this.#bySlot.get(slot);
    if (!breaker) return;
    if (this.#unheard.delete(breaker)) report(breaker, failure);
    else if (this.#blamed.delete(breaker)) breaker.late(performance.now() - askedAt, failure);
  }

  blame(error: RedisException): void {
    for (const breaker of this.#unheard) {
      breaker.failed(error);
      this.#blamed.add(breaker);
    }
    this.#unheard.clear();
  }
}

function report(breaker: CircuitBreaker, failure: RedisException | undefined): void {
  if (failure) breaker.failed(failure);
  else breaker.succeeded();
}
