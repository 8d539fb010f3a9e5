import { AsyncLocalStorage } from 'node:async_hooks';
import { RedisLoadTimeoutException } from '../../errors/redis-load-timeout.exception.js';

/**
 * Limits how many loads run at once: while Redis is away nothing else protects the source of their values.
 * First come, first served.
 *
 * A load that waits for another load lends it its place meanwhile. Loads inside loads therefore need no
 * second place, of this gate or of another, and cannot wait for each other.
 *
 * @internal
 */
export class LoadGate implements Lender {
  readonly waiting = new Set<Turn>();
  readonly #most: number;
  #running = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** @param waitMs how long to wait for the turn */
  turn(key: string, waitMs: number): Turn {
    return new Turn(this, key, waitMs);
  }

  lend(): Place | undefined {
    if (this.#running >= this.#most) return undefined;
    this.#running++;
    return new Place(this);
  }

  /** Hands the place over to the turn that waits longest, so that no later one takes it. */
  takeBack(): void {
    const [next] = this.waiting;
    if (next) next.enter(new Place(this));
    else this.#running--;
  }

  replace(): void {
    // The place is still taken.
  }
}

/** A load's turn to run: waits for a place of its gate, or of a load that waits for this one. */
export class Turn {
  readonly #gate: LoadGate;
  readonly #key: string;
  readonly #waitMs: number;
  /** Those that may lend it a place. */
  readonly #lenders = new Set<Lender>();
  #place: Place | undefined;
  #entering: Promise<Place> | undefined;
  #entered: (() => void) | undefined;
  /** How many loads run on this turn, or wait for it: those of one call for many keys share it. */
  #loads = 0;

  constructor(gate: LoadGate, key: string, waitMs: number) {
    this.#gate = gate;
    this.#key = key;
    this.#waitMs = waitMs;
  }

  /** Lets this turn have the place of the load inside which it is called, if there is one. */
  borrow(): void {
    const place = current.getStore();
    if (place) this.#mayHave(place);
  }

  /** @throws RedisLoadTimeoutException if the turn does not come in time */
  async run<T>(load: () => Promise<T>): Promise<T> {
    this.borrow();
    this.#loads++;
    try {
      if (!this.#entering) {
        for (const lender of [...this.#lenders, this.#gate]) this.#place ??= lender.lend();
      }
      const place = this.#place ?? (await (this.#entering ??= this.#wait()));
      return await current.run(place, load);
    } finally {
      if (--this.#loads === 0) this.#leave();
    }
  }

  /** Does work for the loads on this turn: loads inside of the work borrow its place. */
  inside<T>(work: () => T): T {
    return this.#place ? current.run(this.#place, work) : work();
  }

  /** Takes a place. */
  enter(place: Place): void {
    this.#place = place;
    this.#leaveQueues();
    this.#entered?.();
  }

  #leave(): void {
    this.#place?.leave();
    this.#place = undefined;
    this.#entering = undefined;
    this.#entered = undefined;
  }

  #mayHave(lender: Lender): void {
    this.#lenders.add(lender);
    if (!this.#entered || this.#place) return;
    const place = lender.lend();
    if (place) this.enter(place);
    else lender.waiting.add(this);
  }

  async #wait(): Promise<Place> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#leaveQueues();
        const facts = { key: this.#key, timeoutMs: this.#waitMs, waitedFor: 'turn' } as const;
        reject(new RedisLoadTimeoutException(facts));
      }, this.#waitMs);
      this.#entered = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#mayHave(this.#gate);
      for (const lender of this.#lenders) lender.waiting.add(this);
    });
    return this.#place as Place;
  }

  #leaveQueues(): void {
    for (const lender of this.#lenders) lender.waiting.delete(this);
  }
}

/** Lends places. */
interface Lender {
  readonly waiting: Set<Turn>;
  lend(): Place | undefined;
  takeBack(): void;
  /** Notes that the lent place has another borrower now. */
  replace(borrower: Place): void;
}

/** The right of a load to run. The load may lend it to one other load at a time. */
class Place implements Lender {
  readonly waiting = new Set<Turn>();
  #lender: Lender;
  #borrower: Place | undefined;
  #hasLeft = false;

  constructor(lender: Lender) {
    this.#lender = lender;
    taken++;
  }

  lend(): Place | undefined {
    if (this.#hasLeft || this.#borrower) return undefined;
    return (this.#borrower = new Place(this));
  }

  takeBack(): void {
    this.#borrower = undefined;
    const [next] = this.waiting;
    const place = next && this.lend();
    if (place) next.enter(place);
  }

  replace(borrower: Place): void {
    this.#borrower = borrower;
  }

  /** Leaves. A place that is still lent stays with its borrower, which this load no longer waits for. */
  leave(): void {
    this.#hasLeft = true;
    if (--taken === 0) current.disable();
    const borrower = this.#borrower;
    if (!borrower) {
      this.#lender.takeBack();
      return;
    }
    borrower.#lender = this.#lender;
    this.#lender.replace(borrower);
  }
}

/** Whether this is called inside a load that has a place to lend. */
export function isInsidePlace(): boolean {
  return current.getStore() !== undefined;
}

/**
 * The place of the load that the running code is part of. Enabled only while there are such loads: up to
 * Node 22 an enabled storage costs every promise of the process.
 */
const current = new AsyncLocalStorage<Place>();

/** How many places are taken, of all gates. */
let taken = 0;
