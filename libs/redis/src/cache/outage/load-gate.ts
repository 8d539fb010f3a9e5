import { AsyncLocalStorage } from 'node:async_hooks';
import { RedisLoadTimeoutException } from '../../errors/redis-load-timeout.exception.js';

/**
 * Lets so many loads run at once and no more: while Redis is away nothing else protects what they load
 * from. First come, first served.
 *
 * A load that waits for another one lends it its place meanwhile: loads inside loads need no second
 * place, of this gate or of another, so that they cannot wait for each other.
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

  /** @param waitMs how long to wait for it */
  turn(key: string, waitMs: number): Turn {
    return new Turn(this, key, waitMs);
  }

  lend(): Place | undefined {
    if (this.#running >= this.#most) return undefined;
    this.#running++;
    return new Place(this);
  }

  /** It is handed over to the one who waits longest, so that nobody else takes it. */
  takeBack(): void {
    const [next] = this.waiting;
    if (next) next.enter(new Place(this));
    else this.#running--;
  }

  replace(): void {
    // It is still taken.
  }
}

/** A load's turn to run: it waits for a place of its gate, or of a load that waits for it. */
export class Turn {
  readonly #gate: LoadGate;
  readonly #key: string;
  readonly #waitMs: number;
  /** Whose places it may have. */
  readonly #lenders = new Set<Lender>();
  #place: Place | undefined;
  #entering: Promise<Place> | undefined;
  #entered: (() => void) | undefined;
  /** Loads that are one for their source share a turn: how many run, or wait for it. */
  #loads = 0;

  constructor(gate: LoadGate, key: string, waitMs: number) {
    this.#gate = gate;
    this.#key = key;
    this.#waitMs = waitMs;
  }

  /** Says that the load inside which this is called, if there is one, waits for this one. */
  borrow(): void {
    const place = current.getStore();
    if (place) this.#mayHave(place);
  }

  /** @throws RedisLoadTimeoutException if its turn does not come in time */
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

  /** What another load does for those that run on this turn: loads inside of it borrow its place. */
  inside<T>(work: () => T): T {
    return this.#place ? current.run(this.#place, work) : work();
  }

  /** Called with the place that it is given. */
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

/** Who has places to lend. */
interface Lender {
  readonly waiting: Set<Turn>;
  lend(): Place | undefined;
  takeBack(): void;
  /** Somebody else has what was lent. */
  replace(borrower: Place): void;
}

/** That a load may run. It may lend this to one other load at a time. */
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

  /** What it has lent to a load that nobody inside it waits for any more stays with that. */
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

/**
 * The place of the load that the running code is part of. Enabled only while there are such loads: until
 * Node 22 an enabled storage costs every promise of the process.
 */
const current = new AsyncLocalStorage<Place>();

/** How many places are taken, of all gates. */
let taken = 0;
