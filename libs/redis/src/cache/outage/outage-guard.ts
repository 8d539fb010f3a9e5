import type { RedisClient } from '../../connection/options/options.js';
import { connectionOf } from '../../connection/connection.js';
import { isCluster, nodeAt, slotOf } from '../../connection/driver/hash-slots.js';
import type { RedisException } from '../../errors/redis.exception.js';
import { DeadlineSweeper } from '../../time/deadline-sweeper.js';
import {
  Attempt,
  PlainReadAttempt,
  SpreadReadAttempt,
  type Ask,
  type Inquiry,
  type ReadAttempt,
  type Deadlines,
  type Waiting,
} from './attempt.js';
import { timeoutOf, type Task } from './budget.js';
import { CircuitBreaker } from './circuit-breaker.js';
import { RedisAway } from './redis-away.js';

export interface GuardOptions {
  readonly breakerThreshold: number;
  readonly breakerCooldownMs: number;
  readonly onBreaker: (state: 'open' | 'closed', error?: RedisException) => void;
  /** Told once that a server answers, and always too late. */
  readonly onTooFar: (roundTripMs: number) => void;
}

/** Some commands, each about a key. */
export interface Undertaking extends Task {
  /** Everything that is asked for: they decide which servers it is about. */
  readonly keys: readonly string[];
}

/**
 * What stands between a cache and Redis: nothing is sent over a connection that is not ready or to a
 * server whose breaker is open, and nothing is waited for longer than the caller's budget. In a
 * cluster each server has a breaker of its own, which counts what that server was asked, and nothing
 * that others were asked together with it.
 *
 * @internal
 */
export class OutageGuard {
  readonly #client: RedisClient;
  readonly #options: GuardOptions;
  readonly #isCluster: boolean;
  readonly #breakers = new Map<string, CircuitBreaker>();
  #isTooFar = false;
  readonly #deadlines: Deadlines = new DeadlineSweeper(
    ({ isOver }) => isOver,
    (waiting) => {
      waiting.expire(this.#client);
    },
  );

  constructor(client: RedisClient, options: GuardOptions) {
    this.#client = client;
    this.#options = options;
    this.#isCluster = isCluster(client);
  }

  /** Whether the breaker of any server is open. */
  get isRefusing(): boolean {
    return [...this.#breakers.values()].some(({ isOpen }) => isOpen);
  }

  /**
   * Does something in Redis, if it can be expected to work.
   *
   * @param work is given what it has to pass each command through that it sends, with the key that it
   * is about
   * @throws RedisAway with what it failed with, or what it would have: RedisTimeoutException after the
   * budget. What was sent may still be executed then
   */
  attempt<T>(undertaking: Undertaking, work: (ask: Ask) => Promise<T>): Promise<T> {
    const breakers = this.#breakersOf(undertaking.keys);
    return this.#refused(undertaking, breakers) ?? this.#do(undertaking, breakers, work);
  }

  /** Does something in Redis, whether or not it can be expected to work. */
  insist<T>(task: Task, work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#do(task, [], work);
  }

  /** The same as `attempt` for what is read often: one promise for all of it. */
  read<T>(inquiry: Inquiry<T>): Promise<T> {
    return this.#isCluster ? this.#readSpread(inquiry) : this.#readOne(inquiry);
  }

  #readOne<T>(inquiry: Inquiry<T>): Promise<T> {
    const breaker = this.#breakerOn('');
    const refusal = this.#unfitness(inquiry) ?? breaker.refusal();
    if (refusal) return Promise.reject(new RedisAway(refusal));
    return this.#ask(inquiry, new PlainReadAttempt<T>(inquiry, this.#deadlines, breaker));
  }

  #readSpread<T>(inquiry: Inquiry<T>): Promise<T> {
    const bySlot = new Map<number, CircuitBreaker>();
    for (const slot of inquiry.slots) bySlot.set(slot, this.#breakerAt(slot));
    const refused = this.#refused(inquiry, [...bySlot.values()]);
    return (
      refused ?? this.#ask(inquiry, new SpreadReadAttempt<T>(inquiry, this.#deadlines, bySlot))
    );
  }

  #ask<T>(inquiry: Inquiry<T>, attempt: ReadAttempt<T>): Promise<T> {
    this.#watch(attempt);
    inquiry.ask(attempt);
    return attempt.promise;
  }

  #do<T>(
    task: Task,
    allowed: readonly CircuitBreaker[],
    work: (ask: Ask) => Promise<T>,
  ): Promise<T> {
    const attempt = new Attempt<T>(task, this.#deadlines, allowed, (key) => this.#breakerOf(key));
    this.#watch(attempt);
    work(attempt.ask).then(
      (result) => {
        attempt.end(result);
      },
      (error: unknown) => {
        attempt.fail(error);
      },
    );
    return attempt.promise;
  }

  #watch<T>(waiting: Waiting<T>): void {
    this.#deadlines.watch(waiting as Waiting<unknown>, waiting.startedAt);
  }

  /** Either all of the servers are asked, or none. */
  #refused(task: Task, breakers: readonly CircuitBreaker[]): Promise<never> | undefined {
    const open = breakers.find(({ isOpen }) => isOpen);
    const refusal = this.#unfitness(task) ?? open?.refusal();
    if (refusal) return Promise.reject(new RedisAway(refusal));
    for (const breaker of breakers) breaker.refusal(); // one that was open is being tried now
    return undefined;
  }

  /** Of the connection, or of the caller. */
  #unfitness(task: Task): RedisException | undefined {
    return this.#unreadiness() ?? (task.budget.isSpent ? timeoutOf(task, this.#client) : undefined);
  }

  /** A client that was not told to connect does so with its first command. */
  #unreadiness(): RedisException | undefined {
    const { status } = this.#client;
    if (status === 'ready' || status === 'wait') return undefined;
    const closed = new Error(`The connection is not ready: ${status}`);
    return connectionOf(this.#client).exceptionOf(closed);
  }

  #breakersOf(keys: readonly string[]): readonly CircuitBreaker[] {
    if (!this.#isCluster) return keys.length === 0 ? [] : [this.#breakerOn('')];
    return [...new Set(keys.map((key) => this.#breakerOf(key)))];
  }

  #breakerOf(key: string): CircuitBreaker {
    return this.#isCluster ? this.#breakerAt(slotOf(key)) : this.#breakerOn('');
  }

  #breakerAt(slot: number): CircuitBreaker {
    return this.#breakerOn(nodeAt(this.#client, slot));
  }

  readonly #tooFar = (roundTripMs: number): void => {
    if (this.#isTooFar) return;
    this.#isTooFar = true;
    this.#options.onTooFar(roundTripMs);
  };

  #breakerOn(node: string): CircuitBreaker {
    let breaker = this.#breakers.get(node);
    if (!breaker) {
      const { breakerThreshold, breakerCooldownMs, onBreaker } = this.#options;
      breaker = new CircuitBreaker({
        threshold: breakerThreshold,
        cooldownMs: breakerCooldownMs,
        onChange: onBreaker,
        onTooFar: this.#tooFar,
      });
      this.#breakers.set(node, breaker);
    }
    return breaker;
  }
}
