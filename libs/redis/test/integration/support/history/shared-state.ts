/**
 * The state that all threads of a history share: the source of truth, the acknowledged writes, and a log. It
 * is one block of memory, so that "before" means the same to all threads.
 */
export const KEYS = 56;
export const GROUPS = 4;
export const FOREIGN = 4;
export const ROWS = KEYS + GROUPS + FOREIGN;
export const MOST_WORKERS = 8;

/** The phases of a history, which tell the threads what to do. */
export const Phase = { chaos: 0, settle: 1, calm: 2, final: 3, stop: 4 } as const;

/** The names of the counters. */
export const FIGURES = [
  'reads',
  'together',
  'hits',
  'nearHits',
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

/** How many acknowledged versions of each row are known with their times. */
const ACKS = 128;
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
  /** When the versions in `#ackedVersions` were acknowledged, by {@link monotonicMs}. */
  readonly #ackedAt: Float64Array;
  readonly #ackedVersions: Int32Array;
  readonly #ackHeads: Int32Array;
  readonly #pauses: Int32Array;
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
      ...[ROWS * ACKS, ROWS, MOST_WORKERS],
    ];
    const times = ROWS * ACKS * Float64Array.BYTES_PER_ELEMENT;
    const total = times + 4 * sizes.reduce((sum, size) => sum + size);
    this.memory = memory ?? new SharedArrayBuffer(total);
    this.#ackedAt = new Float64Array(this.memory, 0, ROWS * ACKS);
    let at = times;
    const [written, acked, flushes, controls, ...others] = sizes.map((size) => {
      const array = new Int32Array(this.memory, at, size);
      at += 4 * size;
      return array;
    }) as [Int32Array, Int32Array, Int32Array, Int32Array, ...Int32Array[]];
    const [figures, outstanding, loading, away, heads, log, versions, ackHeads, pauses] = others;
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
    this.#ackedVersions = versions as Int32Array;
    this.#ackHeads = ackHeads as Int32Array;
    this.#pauses = pauses as Int32Array;
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
      if (Atomics.compareExchange(this.acked, row, known, version) === known) break;
    }
    const at = row * ACKS + (Atomics.add(this.#ackHeads, row, 1) % ACKS);
    this.#ackedAt[at] = Infinity; // until both are there
    Atomics.store(this.#ackedVersions, at, version);
    this.#ackedAt[at] = monotonicMs();
  }

  /** The newest version of a row that was acknowledged at this moment, or an older one. */
  ackedAt(row: number, moment: number): number {
    const head = Atomics.load(this.#ackHeads, row);
    for (let n = head - 1; n >= Math.max(0, head - ACKS); n--) {
      const at = row * ACKS + (n % ACKS);
      const time = this.#ackedAt[at] as number;
      if (time > moment) continue;
      const version = Atomics.load(this.#ackedVersions, at);
      if (this.#ackedAt[at] === time) return version;
    }
    return 0;
  }

  /** Tells a thread to stand still for so long. */
  pause(worker: number, ms: number): void {
    Atomics.store(this.#pauses, worker, Math.round(ms));
  }

  /** Stands still if this thread is told to, with everything that it would do and hear. */
  standStill(worker: number): void {
    const ms = Atomics.exchange(this.#pauses, worker, 0);
    if (ms > 0) Atomics.wait(NEVER_WOKEN, 0, 0, ms);
  }

  /** Takes back what threads were told and have not done. */
  endPauses(): void {
    this.#pauses.fill(0);
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

const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4));

/** A clock that is the same in all threads and processes of this machine, and never jumps. */
export function monotonicMs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
