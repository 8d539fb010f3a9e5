/**
 * The state that all threads of a history share: the source of truth, the acknowledged writes, and a log. It
 * is one block of memory, so that "before" means the same to all threads.
 */
export const KEYS = 40;
export const GROUPS = 4;
export const FOREIGN = 4;
export const ROWS = KEYS + GROUPS + FOREIGN;
export const MOST_WORKERS = 8;

/** What the threads shall do. */
export const Phase = { chaos: 0, settle: 1, calm: 2, final: 3, stop: 4 } as const;

/** What is counted. */
export const FIGURES = [
  'reads',
  'together',
  'hits',
  'stale',
  'bypasses',
  'failedReads',
  'loads',
  'writes',
  'invalidations',
  'failedInvalidations',
  'slowestMs',
] as const;
export type Figure = (typeof FIGURES)[number];

export const EVENTS = ['write', 'acked', 'load', 'loaded', 'hit', 'value', 'fault'] as const;
type EventName = (typeof EVENTS)[number];

const LOG_LENGTH = 64;
const EVENT_FIELDS = 4;
const CONTROLS = 8;

export class SharedState {
  readonly memory: SharedArrayBuffer;
  /** The newest version of each row. */
  readonly written: Int32Array;
  /** The newest version of each row, the invalidation of which was acknowledged. */
  readonly acked: Int32Array;
  /** For rows that live in Redis itself: the flushes before the latest write was acknowledged, or -1. */
  readonly flushesAtAck: Int32Array;
  readonly #controls: Int32Array;
  readonly #figures: Int32Array;
  readonly #outstanding: Int32Array;
  readonly #loading: Int32Array;
  readonly #away: Int32Array;
  readonly #logHeads: Int32Array;
  readonly #log: Int32Array;

  constructor(memory?: SharedArrayBuffer) {
    const sizes = [
      ...[ROWS, ROWS, ROWS, CONTROLS, MOST_WORKERS * FIGURES.length],
      ...[MOST_WORKERS, MOST_WORKERS * KEYS, KEYS, ROWS, ROWS * LOG_LENGTH * EVENT_FIELDS],
    ];
    this.memory = memory ?? new SharedArrayBuffer(4 * sizes.reduce((sum, size) => sum + size));
    let at = 0;
    const [written, acked, flushes, controls, figures, outstanding, loading, away, heads, log] =
      sizes.map((size) => {
        const array = new Int32Array(this.memory, at, size);
        at += 4 * size;
        return array;
      }) as [Int32Array, Int32Array, Int32Array, Int32Array, ...Int32Array[]];
    this.written = written;
    this.acked = acked;
    this.flushesAtAck = flushes;
    this.#controls = controls;
    this.#figures = figures as Int32Array;
    this.#outstanding = outstanding as Int32Array;
    this.#loading = loading as Int32Array;
    this.#away = away as Int32Array;
    this.#logHeads = heads as Int32Array;
    this.#log = log as Int32Array;
  }

  get phase(): number {
    return Atomics.load(this.#controls, 0);
  }

  set phase(phase: number) {
    Atomics.store(this.#controls, 0, phase);
  }

  get flushesBegun(): number {
    return Atomics.load(this.#controls, 1);
  }

  flushBegins(): void {
    Atomics.add(this.#controls, 1, 1);
  }

  flushEnds(): void {
    Atomics.add(this.#controls, 2, 1);
  }

  /** The number of flushes if none is under way, otherwise -1. */
  get quietFlushes(): number {
    const ended = Atomics.load(this.#controls, 2);
    return ended === this.flushesBegun ? ended : -1;
  }

  write(worker: number, row: number): number {
    const version = Atomics.add(this.written, row, 1) + 1;
    this.log(row, 'write', worker, version);
    return version;
  }

  read(row: number): number {
    return Atomics.load(this.written, row);
  }

  acknowledge(worker: number, row: number, version: number): void {
    this.log(row, 'acked', worker, version);
    for (;;) {
      const known = Atomics.load(this.acked, row);
      if (known >= version) return;
      if (Atomics.compareExchange(this.acked, row, known, version) === known) return;
    }
  }

  count(worker: number, figure: Figure, by = 1): void {
    Atomics.add(this.#figures, worker * FIGURES.length + FIGURES.indexOf(figure), by);
  }

  noteSlowest(worker: number, ms: number): void {
    const at = worker * FIGURES.length + FIGURES.indexOf('slowestMs');
    if (ms > Atomics.load(this.#figures, at)) Atomics.store(this.#figures, at, Math.round(ms));
  }

  figure(figure: Figure): number {
    const all = Array.from({ length: MOST_WORKERS }, (_, worker) =>
      Atomics.load(this.#figures, worker * FIGURES.length + FIGURES.indexOf(figure)),
    );
    return figure === 'slowestMs' ? Math.max(...all) : all.reduce((sum, n) => sum + n);
  }

  callBegins(worker: number): void {
    Atomics.add(this.#outstanding, worker, 1);
  }

  callEnds(worker: number): void {
    Atomics.sub(this.#outstanding, worker, 1);
  }

  /** @returns how many loads of this key are under way now, in all threads */
  loadBegins(worker: number, key: number): number {
    Atomics.add(this.#loading, worker * KEYS + key, 1);
    return this.#loads(key);
  }

  loadEnds(worker: number, key: number): void {
    Atomics.sub(this.#loading, worker * KEYS + key, 1);
  }

  /** A caller could not ask Redis about this key, and loads it without a lease. */
  redisWasAway(key: number): void {
    Atomics.store(this.#away, key, 1);
  }

  wasRedisAway(key: number): boolean {
    return Atomics.load(this.#away, key) === 1;
  }

  forgetOutages(): void {
    this.#away.fill(0);
  }

  get isIdle(): boolean {
    return this.#outstanding.every((n) => n === 0) && this.#loading.every((n) => n === 0);
  }

  /** A thread is gone, and what it did with it. */
  forget(worker: number): void {
    Atomics.store(this.#outstanding, worker, 0);
    this.#loading.fill(0, worker * KEYS, (worker + 1) * KEYS);
  }

  log(row: number, event: EventName, worker: number, version: number): void {
    const at =
      (row * LOG_LENGTH + (Atomics.add(this.#logHeads, row, 1) % LOG_LENGTH)) * EVENT_FIELDS;
    const now = Math.round(performance.timeOrigin + performance.now()) % 1_000_000;
    this.#log.set([EVENTS.indexOf(event), worker, version, now], at);
  }

  /** The latest events of a row, oldest first. */
  history(row: number): string[] {
    const head = Atomics.load(this.#logHeads, row);
    const lines: string[] = [];
    for (let n = Math.max(0, head - LOG_LENGTH); n < head; n++) {
      const at = (row * LOG_LENGTH + (n % LOG_LENGTH)) * EVENT_FIELDS;
      const [event = 0, worker, version, ms] = this.#log.subarray(at, at + EVENT_FIELDS);
      lines.push(`${ms} worker ${worker} ${EVENTS[event]} ${version}`);
    }
    return lines;
  }

  #loads(key: number): number {
    let loads = 0;
    for (let worker = 0; worker < MOST_WORKERS; worker++) {
      loads += Atomics.load(this.#loading, worker * KEYS + key);
    }
    return loads;
  }
}
