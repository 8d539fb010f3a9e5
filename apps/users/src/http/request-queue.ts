import { AsyncResource } from 'node:async_hooks';

export interface QueueLimits {
  /** How many requests are worked on at the same time. */
  readonly maxInFlight: number;
  /** How long a request waits for its turn during an overload, in milliseconds. */
  readonly maxQueueTimeMs: number;
}

/** A request that waits to begin. Either `begin` or `refuse` is called once; neither if its caller has left. */
export interface Entrant {
  begin(): void;
  refuse(): void;
  /** Whether the caller has left. */
  isGone(): boolean;
}

/**
 * How many requests one turn of the event loop begins. The rest of the turn is for running work and for
 * refusals. It is a count, not a time: beginning a request is only a small part of its cost.
 */
const BEGINNINGS_IN_TURN = 8;

/** A queue that was not empty for this long, and let more than a burst pass meanwhile, is an overload. */
const PATIENCE_MS = 100;
const BURST = 256;

/** How long a request waits for its turn while there is no overload. */
const BURST_QUEUE_TIME_MS = 5_000;

/** An overload is over this long after its last sign. */
const CALM_MS = 1_000;

/**
 * Begins as many requests as the process can work on, and refuses those that would wait for too long. The
 * number that one turn of the event loop begins is bounded, so that no answer waits for many new requests.
 *
 * A burst waits for its turn; a queue that does not become empty is an overload, in which a request
 * waits for `maxQueueTimeMs` at most. This is the controlled delay of
 * https://queue.acm.org/detail.cfm?id=2839461.
 */
export class RequestQueue {
  readonly #limits: QueueLimits;
  readonly #waiting = new Fifo<Waiting>();
  #inFlight = 0;
  /** How many this turn of the event loop has begun. */
  #begunInTurn = 0;
  #isTurnScheduled = false;
  #hasNewcomers = false;
  /** Since when the queue has not been empty, and how many it has let pass since. */
  #standingSince = 0;
  #passed = 0;
  #overloadedUntil = -Infinity;
  #expiry: NodeJS.Timeout | undefined;

  constructor(limits: QueueLimits) {
    this.#limits = limits;
  }

  /** Whether requests are refused that would wait for longer than `maxQueueTimeMs`. */
  get isOverloaded(): boolean {
    return performance.now() < this.#overloadedUntil;
  }

  /** Calls `begin` at once if there is room, else later, or `refuse` if that is too late. */
  enter(entrant: Entrant): void {
    if (this.#waiting.head === undefined && this.#hasRoom && this.#takePlace()) {
      entrant.begin();
      return;
    }
    const since = performance.now();
    if (this.#waiting.head === undefined) {
      this.#standingSince = since;
      this.#passed = 0;
    }
    // The request begins with its own AsyncLocalStorage.
    const context = new AsyncResource('REQUEST');
    this.#waiting.push({ entrant, context, since });
    this.#scheduleTurn();
  }

  /** Counts a request as running. A request whose body is still on its way must not take a place. */
  occupy(): void {
    this.#inFlight++;
  }

  /** Frees the place of a request that was answered, or whose caller has left. */
  release(): void {
    this.#inFlight--;
    if (this.#waiting.head !== undefined) this.#scheduleTurn();
  }

  /**
   * Begins nothing more until the next turn, because a connection was accepted. Node 20 accepts one
   * connection in each turn, so turns must be short while more connections may be waiting.
   */
  makeWay(): void {
    this.#hasNewcomers = true;
    this.#scheduleTurn();
  }

  get #hasRoom(): boolean {
    return this.#inFlight < this.#limits.maxInFlight;
  }

  /** Whether another request may begin in this turn. */
  #takePlace(): boolean {
    this.#scheduleTurn();
    return !this.#hasNewcomers && this.#begunInTurn++ < BEGINNINGS_IN_TURN;
  }

  #scheduleTurn(): void {
    if (this.#isTurnScheduled) return;
    this.#isTurnScheduled = true;
    setImmediate(this.#takeTurn);
  }

  readonly #takeTurn = (): void => {
    this.#isTurnScheduled = false;
    this.#begunInTurn = 0;
    this.#hasNewcomers = false;
    clearTimeout(this.#expiry);
    for (let head = this.#waiting.head; head; head = this.#waiting.head) {
      const now = performance.now();
      const leftMs = this.#queueTimeAt(now) - (now - head.since);
      if (head.entrant.isGone()) {
        this.#waiting.shift();
      } else if (leftMs < 0) {
        this.#waiting.shift();
        this.#overloadedUntil = now + CALM_MS;
        head.entrant.refuse();
      } else if (!this.#hasRoom) {
        this.#expiry = setTimeout(this.#takeTurn, Math.min(leftMs + 1, PATIENCE_MS));
        return;
      } else if (this.#takePlace()) {
        this.#waiting.shift();
        this.#passed++;
        const { context, entrant } = head;
        context.runInAsyncScope(() => {
          entrant.begin();
        });
      } else {
        return;
      }
    }
  };

  #queueTimeAt(now: number): number {
    const isStanding = now - this.#standingSince > PATIENCE_MS;
    if (isStanding && (this.#passed > BURST || !this.#hasRoom)) {
      this.#overloadedUntil = now + CALM_MS;
    }
    return now < this.#overloadedUntil ? this.#limits.maxQueueTimeMs : BURST_QUEUE_TIME_MS;
  }
}

interface Waiting {
  readonly entrant: Entrant;
  readonly context: AsyncResource;
  readonly since: number;
}

/** A queue for many items: `Array.shift` copies the rest of a long array. */
class Fifo<T> {
  #items: (T | undefined)[] = [];
  #first = 0;

  get head(): T | undefined {
    return this.#items[this.#first];
  }

  push(item: T): void {
    this.#items.push(item);
  }

  shift(): void {
    this.#items[this.#first++] = undefined;
    if (this.#first < this.#items.length / 2) return;
    this.#items = this.#items.slice(this.#first);
    this.#first = 0;
  }
}
