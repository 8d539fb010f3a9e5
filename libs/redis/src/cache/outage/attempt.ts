import type { ReadSink } from '../../batch/read-command.js';
import type { RedisClient } from '../../connection/options/options.js';
import { RedisConfigurationException } from '../../errors/redis-configuration.exception.js';
import { RedisException } from '../../errors/redis.exception.js';
import type { DeadlineSweeper } from '../../time/deadline-sweeper.js';
import { timeoutOf, type Task } from './budget.js';
import type { CircuitBreaker } from './circuit-breaker.js';
import { RedisAway } from './redis-away.js';

/**
 * Takes note of how the server of a key fares with a command.
 *
 * @returns the reply
 */
export type Ask = <R>(key: string, reply: Promise<R>) => Promise<R>;

/** What is asked for, and what the reply means. */
export interface Inquiry<T> extends Task {
  /** The hash slots of what is asked for. Needed in a cluster only. */
  readonly slots: readonly number[];
  ask(sink: ReadSink): void;
  /** Called when the reply is here. @throws what the caller is to get */
  judge(stored: Buffer | null, beside: readonly (string | null)[]): T | Promise<T>;
}

/** What ends each wait in time. */
export type Deadlines = DeadlineSweeper<Waiting<unknown>>;

/** Somebody who waits for something that is being done in Redis. */
export abstract class Waiting<T> {
  readonly startedAt = performance.now();
  /** First that of the caller; then, where that had less time left, the server's. */
  deadline: number;
  readonly #task: Task;
  readonly #deadlines: Deadlines;
  isSettled = false;
  resolve!: (result: T | Promise<T>) => void;
  reject!: (error: unknown) => void;
  readonly promise = new Promise<T>((resolve, reject) => {
    this.resolve = resolve;
    this.reject = reject;
  });

  constructor(task: Task, deadlines: Deadlines) {
    this.#task = task;
    this.#deadlines = deadlines;
    this.deadline = this.startedAt + task.budget.leftMs;
  }

  /** Whether nothing is expected any more: neither by the caller, nor of a server. */
  abstract get isOver(): boolean;

  /**
   * Ends the wait of the caller. Whether a server is to blame shows when it has had all of the time that
   * the caller began with: a round trip before this one may have used most of that up.
   *
   * Not before the replies that are here already have been looked at: when it was this process that was
   * busy for so long they are, and its timers run first.
   */
  expire(client: RedisClient): void {
    setImmediate(() => {
      if (this.isOver) return;
      const error = timeoutOf(this.#task, client);
      this.fail(error);
      const now = performance.now();
      this.deadline = this.startedAt + this.#task.budget.totalMs;
      if (now < this.deadline) this.#deadlines.watch(this as Waiting<unknown>, now);
      else this.blame(error);
    });
  }

  fail(error: unknown): void {
    if (this.isSettled) return;
    this.settle();
    const isAway =
      error instanceof RedisException && !(error instanceof RedisConfigurationException);
    this.reject(isAway ? new RedisAway(error) : error);
  }

  /** Holds it against each server that has been asked and has not answered. */
  protected abstract blame(error: RedisException): void;

  protected settle(): void {
    this.isSettled = true;
    const { budget } = this.#task;
    budget.leftMs = Math.max(0, budget.leftMs - (performance.now() - this.startedAt));
  }
}

/** Some commands, each to one server. */
export class Attempt<T> extends Waiting<T> {
  /** Those that may be asked, and have not been yet. */
  readonly #idle: Set<CircuitBreaker>;
  /** How many commands each has not answered yet. */
  readonly #asked = new Map<CircuitBreaker, number>();
  /** Those that have answered, and failed with nothing. */
  readonly #served = new Set<CircuitBreaker>();
  readonly #breakerOf: (key: string) => CircuitBreaker;

  constructor(
    task: Task,
    deadlines: Deadlines,
    allowed: readonly CircuitBreaker[],
    breakerOf: (key: string) => CircuitBreaker,
  ) {
    super(task, deadlines);
    this.#idle = new Set(allowed);
    this.#breakerOf = breakerOf;
  }

  /** Until each has answered: one that was let to try has to be heard of. */
  get isOver(): boolean {
    return this.isSettled && this.#asked.size === 0;
  }

  readonly ask: Ask = (key, reply) => {
    const breaker = this.#breakerOf(key);
    this.#idle.delete(breaker);
    this.#asked.set(breaker, (this.#asked.get(breaker) ?? 0) + 1);
    reply.then(
      () => {
        this.#heard(breaker);
      },
      (error: unknown) => {
        this.#heard(breaker, error instanceof RedisException ? error : undefined);
      },
    );
    return reply;
  };

  end(result: T): void {
    if (this.isSettled) return;
    this.settle();
    this.resolve(result);
  }

  protected override settle(): void {
    super.settle();
    for (const breaker of this.#idle) breaker.notTried();
    for (const breaker of this.#served) if (!this.#asked.has(breaker)) breaker.succeeded();
  }

  protected blame(error: RedisException): void {
    for (const breaker of this.#asked.keys()) {
      this.#served.delete(breaker);
      breaker.failed(error);
    }
    this.#asked.clear();
  }

  #heard(breaker: CircuitBreaker, failure?: RedisException): void {
    const left = (this.#asked.get(breaker) ?? 0) - 1;
    if (left < 0) return; // it was blamed for not answering in time
    if (left > 0) this.#asked.set(breaker, left);
    else this.#asked.delete(breaker);
    if (failure) {
      this.#served.delete(breaker);
      breaker.failed(failure);
    } else if (!this.isSettled) {
      this.#served.add(breaker);
    } else if (left === 0) {
      breaker.succeeded();
    }
  }
}

/** A read, the result of which is what was read once it has been judged. */
export abstract class ReadAttempt<T> extends Waiting<T> implements ReadSink {
  readonly #inquiry: Inquiry<T>;

  constructor(inquiry: Inquiry<T>, deadlines: Deadlines) {
    super(inquiry, deadlines);
    this.#inquiry = inquiry;
  }

  abstract heard(slot: number, failure: RedisException | undefined): void;

  succeed(stored: Buffer | null, beside: readonly (string | null)[]): void {
    if (this.isSettled) return;
    this.settle();
    try {
      this.resolve(this.#inquiry.judge(stored, beside));
    } catch (error) {
      this.reject(error);
    }
  }
}

/** A read from the one server that there is. */
export class PlainReadAttempt<T> extends ReadAttempt<T> {
  readonly #breaker: CircuitBreaker;
  #state: 'asked' | 'heard' | 'blamed' = 'asked';

  constructor(inquiry: Inquiry<T>, deadlines: Deadlines, breaker: CircuitBreaker) {
    super(inquiry, deadlines);
    this.#breaker = breaker;
  }

  get isOver(): boolean {
    return this.isSettled && this.#state !== 'asked';
  }

  heard(_slot: number, failure: RedisException | undefined): void {
    if (this.#state === 'blamed') {
      this.#breaker.late(performance.now() - this.startedAt, failure);
      return;
    }
    this.#state = 'heard';
    report(this.#breaker, failure);
  }

  protected blame(error: RedisException): void {
    this.#state = 'blamed';
    this.#breaker.failed(error);
  }
}

/** A read from the servers of a cluster. */
export class SpreadReadAttempt<T> extends ReadAttempt<T> {
  readonly #bySlot: ReadonlyMap<number, CircuitBreaker>;
  readonly #unheard: Set<CircuitBreaker>;
  readonly #blamed = new Set<CircuitBreaker>();

  constructor(
    inquiry: Inquiry<T>,
    deadlines: Deadlines,
    bySlot: ReadonlyMap<number, CircuitBreaker>,
  ) {
    super(inquiry, deadlines);
    this.#bySlot = bySlot;
    this.#unheard = new Set(bySlot.values());
  }

  get isOver(): boolean {
    return this.isSettled && this.#unheard.size === 0;
  }

  heard(slot: number, failure: RedisException | undefined): void {
    const breaker = this.#bySlot.get(slot);
    if (!breaker) return;
    if (this.#unheard.delete(breaker)) report(breaker, failure);
    else if (this.#blamed.delete(breaker))
      breaker.late(performance.now() - this.startedAt, failure);
  }

  protected blame(error: RedisException): void {
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
