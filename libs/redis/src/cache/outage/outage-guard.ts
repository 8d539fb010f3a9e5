import type { RedisClient } from '../../connection/options/options.js';
import type { Connection } from '../../connection/connection.js';
import { isCluster, nodeAt, slotOf } from '../../connection/driver/hash-slots.js';
import type { RedisException } from '../../errors/redis.exception.js';
import { DeadlineSweeper } from '../../time/deadline-sweeper.js';
import { Attempt, type Ask } from './attempt.js';
import { timeoutOf, type Task } from './budget.js';
import { CircuitBreaker } from './circuit-breaker.js';
import type { GuardedRead } from './guarded-read.js';
import { RedisAway, type Waiting } from './waiting.js';

export interface GuardOptions {
  readonly breakerThreshold: number;
  readonly breakerCooldownMs: number;
  readonly onBreaker: (state: 'open' | 'closed', error?: RedisException) => void;
  /** Called once, when a server answers, but always too late. */
  readonly onTooFar: (roundTripMs: number) => void;
}

/** Several commands, each about a key. */
export interface Undertaking extends Task {
  /** Everything that is asked for: the keys decide which servers are asked. */
  readonly keys: readonly string[];
}

/**
 * Keeps a cache from waiting for a Redis that does not answer: sends nothing over a connection that is not
 * ready or to a server whose breaker is open, and waits for nothing longer than the caller's budget. In a
 * cluster each server has a breaker of its own, which counts the answers of that server alone.
 *
 * @internal
 */
export class OutageGuard {
  readonly #connection: Connection;
  readonly #client: RedisClient;
  readonly #options: GuardOptions;
  readonly #isCluster: boolean;
  readonly #breakers = new Map<string, CircuitBreaker>();
  #isTooFar = false;
  readonly #deadlines = new DeadlineSweeper<Waiting<unknown>>(
    ({ isOver }) => isOver,
    (waiting) => {
      this.#expire(waiting);
    },
  );

  constructor(connection: Connection, options: GuardOptions) {
    const { client } = connection;
    this.#connection = connection;
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
   * @param work has to pass each of its commands through `ask`, with the key that the command is about
   * @throws RedisAway with what it failed with, or what it would have: RedisTimeoutException after the
   * budget. What was sent may still be executed then
   */
  attempt<T>(undertaking: Undertaking, work: (ask: Ask) => Promise<T>): Promise<T> {
    const breakers = this.#breakersOf(undertaking.keys);
    const refusal = this.#refusalOf(undertaking, breakers);
    if (refusal) return Promise.reject(new RedisAway(refusal));
    return this.#do(undertaking, breakers, work);
  }

  /** Does something in Redis, whether or not it can be expected to work. */
  insist<T>(task: Task, work: (ask: Ask) => Promise<T>): Promise<T> {
    return this.#do(task, [], work);
  }

  /**
   * Admits a read, if it can be expected to work, and ends it in time. Does what `attempt` does, with no
   * other object than the read, because reads are frequent.
   *
   * @returns why the read must not be sent
   */
  admit<T>(read: GuardedRead<T>): RedisAway | undefined {
    const refusal = this.#isCluster ? this.#admitToNodes(read) : this.#admitToServer(read);
    if (refusal) return new RedisAway(refusal);
    this.#watch(read);
    return undefined;
  }

  #admitToServer<T>(read: GuardedRead<T>): RedisException | undefined {
    const breaker = this.#breakerOn('');
    const refusal = this.#unfitness(read) ?? breaker.refusal();
    if (!refusal) read.admitToServer(breaker);
    return refusal;
  }

  #admitToNodes<T>(read: GuardedRead<T>): RedisException | undefined {
    const bySlot = new Map<number, CircuitBreaker>();
    for (const slot of read.slots) bySlot.set(slot, this.#breakerAt(slot));
    const refusal = this.#refusalOf(read, [...bySlot.values()]);
    if (!refusal) read.admitToNodes(bySlot);
    return refusal;
  }

  #do<T>(
    task: Task,
    allowed: readonly CircuitBreaker[],
    work: (ask: Ask) => Promise<T>,
  ): Promise<T> {
    const attempt = new Attempt<T>(task, allowed, (key) => this.#breakerOf(key));
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

  /**
   * Ends the wait of the caller. A server counts as failed only when it has had all of the time that the
   * caller began with: an earlier round trip may have used most of that up.
   *
   * Looks at the replies that have arrived first: if this process was busy for so long, they have, and its
   * timers run before them.
   */
  #expire(waiting: Waiting<unknown>): void {
    setImmediate(() => {
      if (waiting.isOver) return;
      const error = timeoutOf(waiting, this.#connection);
      waiting.fail(error);
      const now = performance.now();
      waiting.deadline = waiting.startedAt + waiting.budget.totalMs;
      if (now < waiting.deadline) this.#deadlines.watch(waiting, now);
      else waiting.blame(error);
    });
  }

  /** Either all of the servers are asked, or none. */
  #refusalOf(task: Task, breakers: readonly CircuitBreaker[]): RedisException | undefined {
    const open = breakers.find(({ isOpen }) => isOpen);
    const refusal = this.#unfitness(task) ?? open?.refusal();
    if (!refusal) for (const breaker of breakers) breaker.refusal(); // one that was open is tried now
    return refusal;
  }

  /** The reason not to send this task: the connection is not ready, or the caller has no time left. */
  #unfitness(task: Task): RedisException | undefined {
    return (
      this.#unreadiness() ?? (task.budget.isSpent ? timeoutOf(task, this.#connection) : undefined)
    );
  }

  /** A client that was not told to connect (`wait`) does so with its first command. */
  #unreadiness(): RedisException | undefined {
    const { status } = this.#client;
    if (status === 'ready' || status === 'wait') return undefined;
    const closed = new Error(`The connection is not ready: ${status}`);
    return this.#connection.exceptionOf(closed);
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
