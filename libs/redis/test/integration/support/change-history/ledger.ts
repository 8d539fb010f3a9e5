/**
 * The database of a history, and what the protocol promises about it: one block of memory that the threads
 * read and that only the process writes which outlives all others. A row holds the number of the last
 * transaction that has changed it.
 */
export const ENTRIES = 320;
export const GROUPS = 32;
export const ROWS = ENTRIES + GROUPS;
const MOST_THREADS = 8;

export const FIGURES = [
  'reads',
  'hits',
  'stale',
  'bypasses',
  'listed',
  'listedWithoutLoad',
  'failedReads',
  'loads',
  'invalidations',
  'slowestMs',
] as const;
export type Figure = (typeof FIGURES)[number];

const EVENTS = [
  'announces',
  'commits',
  'may hide',
  'released',
  'killed',
  'fault',
  'loaded',
] as const;
type EventName = (typeof EVENTS)[number];

export const Phase = { trouble: 0, audit: 1 } as const;

const LOG_LENGTH = 32;
const EVENT_FIELDS = 3;
/** How many rows are read more often than others. */
const HOT = 24;
const [PHASE, SEQUENCE, HOT_HEAD] = [0, 1, 2];

export class Ledger {
  readonly memory: SharedArrayBuffer;
  readonly #controls: Int32Array;
  readonly #committed: Int32Array;
  readonly #mustBeSeen: Int32Array;
  readonly #hot: Int32Array;
  readonly #figures: Int32Array;
  readonly #logHeads: Int32Array;
  readonly #log: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    const sizes = [8, ROWS, ROWS, HOT, MOST_THREADS * FIGURES.length, ROWS];
    const logSize = ROWS * LOG_LENGTH * EVENT_FIELDS;
    this.memory =
      memory ?? new SharedArrayBuffer(4 * sizes.reduce((sum, size) => sum + size, logSize));
    let at = 0;
    const take = (size: number): Int32Array => {
      const array = new Int32Array(this.memory, at, size);
      at += 4 * size;
      return array;
    };
    const [controls, committed, mustBeSeen, hot, figures, heads] = sizes.map(take);
    this.#controls = controls as Int32Array;
    this.#committed = committed as Int32Array;
    this.#mustBeSeen = mustBeSeen as Int32Array;
    this.#hot = hot as Int32Array;
    this.#figures = figures as Int32Array;
    this.#logHeads = heads as Int32Array;
    this.#log = take(logSize);
  }

  get phase(): number {
    return Atomics.load(this.#controls, PHASE);
  }

  set phase(phase: number) {
    Atomics.store(this.#controls, PHASE, phase);
  }

  /** Reads a row, as a query would. */
  read(row: number): number {
    return Atomics.load(this.#committed, row);
  }

  /** The oldest transaction that a read which begins now may show. */
  mustBeSeen(row: number): number {
    return Atomics.load(this.#mustBeSeen, row);
  }

  /**
   * All rows at once, for the threads see one row at a time only.
   *
   * @param isPromised whether every read that begins from now on has to show it, though it is not released
   * @returns the number of the transaction
   */
  commit(rows: readonly number[], isPromised: (row: number) => boolean): number {
    const number = Atomics.add(this.#controls, SEQUENCE, 1) + 1;
    for (const row of rows) {
      Atomics.store(this.#committed, row, number);
      this.log(row, isPromised(row) ? 'commits' : 'may hide', number);
    }
    for (const row of rows) if (isPromised(row)) this.#raise(row, number);
    return number;
  }

  /** From now on every read must show this number. */
  release(rows: readonly number[], number: number): void {
    for (const row of rows) {
      this.log(row, 'released', number);
      this.#raise(row, number);
    }
  }

  /** Marks a row that is about to change: its reads are the most likely to be wrong. */
  heat(row: number): void {
    const at = Atomics.add(this.#controls, HOT_HEAD, 1) % HOT;
    Atomics.store(this.#hot, at, row);
  }

  /** Picks a row that is changing, or has changed last. */
  hotRow(luck: number): number {
    const known = Math.min(HOT, Atomics.load(this.#controls, HOT_HEAD));
    return Atomics.load(this.#hot, Math.floor(luck * known));
  }

  count(thread: number, figure: Figure, by = 1): void {
    Atomics.add(this.#figures, thread * FIGURES.length + FIGURES.indexOf(figure), by);
  }

  noteSlowest(thread: number, ms: number): void {
    const at = thread * FIGURES.length + FIGURES.indexOf('slowestMs');
    if (ms > Atomics.load(this.#figures, at)) Atomics.store(this.#figures, at, Math.round(ms));
  }

  figure(figure: Figure): number {
    const all = Array.from({ length: MOST_THREADS }, (_, thread) =>
      Atomics.load(this.#figures, thread * FIGURES.length + FIGURES.indexOf(figure)),
    );
    return figure === 'slowestMs' ? Math.max(...all) : all.reduce((sum, n) => sum + n);
  }

  log(row: number, event: EventName, number: number): void {
    const head = Atomics.add(this.#logHeads, row, 1) % LOG_LENGTH;
    const now = Math.round(performance.timeOrigin + performance.now()) % 1_000_000;
    const at = (row * LOG_LENGTH + head) * EVENT_FIELDS;
    this.#log.set([EVENTS.indexOf(event), number, now], at);
  }

  /** The latest events of a row, oldest first. */
  history(row: number): string[] {
    const head = Atomics.load(this.#logHeads, row);
    const lines: string[] = [];
    for (let n = Math.max(0, head - LOG_LENGTH); n < head; n++) {
      const at = (row * LOG_LENGTH + (n % LOG_LENGTH)) * EVENT_FIELDS;
      const [event = 0, number, ms] = this.#log.subarray(at, at + EVENT_FIELDS);
      lines.push(`${ms} row ${row} ${EVENTS[event]} ${number}`);
    }
    return lines;
  }

  #raise(row: number, number: number): void {
    if (number > this.mustBeSeen(row)) Atomics.store(this.#mustBeSeen, row, number);
  }
}
