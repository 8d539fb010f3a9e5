import { setTimeout as sleep } from 'node:timers/promises';
import type { Addresses } from '../history/open-clients.js';
import { pickFrom } from '../random.js';
import { STOPS, type ChangeJob, type Manner, type WriterReport } from './change-job.js';
import { targetsOf, writtenFor } from './ledger-entry.js';
import { ROWS, type Ledger } from './ledger.js';
import type { TouchedMetadata } from './touched-metadata.js';
import { WriterProcess, type WriterListener } from './writer-process.js';

export interface ChangesTools {
  readonly ledger: Ledger;
  readonly touched: TouchedMetadata;
  readonly random: () => number;
  readonly addresses: Addresses;
  readonly seed: number;
  readonly writers: number;
  readonly manner: Manner;
  /** How long an announcement lasts that is not renewed. */
  readonly announcedMs: number;
  readonly report: (what: string) => void;
}

/** How many changes a process makes at the same time. */
const LANES = 3;
const SPARES = 2;
/** One in so many changes ends with the death of its process. */
const DEATHS = 0.02;
/** A change ends sooner, unless its writer is frozen or its work takes that long. */
const LONGEST_CHANGE_MS = 30_000;

/** The database, and the processes that change it: orders changes, commits them, and kills. */
export class LedgerChanges implements WriterListener {
  readonly kills: Record<string, number> = Object.fromEntries(STOPS.map((stop) => [stop, 0]));
  readonly figures = {
    changes: 0,
    commits: 0,
    'commits that every read has to show at once': 0,
    released: 0,
    'resolved, release not acknowledged': 0,
    'not announced': 0,
    'killed writers': 0,
    'changes that died with their writers': 0,
  };
  readonly #tools: ChangesTools;
  readonly #writers = new Set<WriterProcess>();
  readonly #marks = new Map<number, ReadonlyMap<number, number>>();
  readonly #numbers = new Map<number, number>();
  /** Processes that are started before one is needed. */
  readonly #spares: Promise<WriterProcess>[] = [];
  #born = 0;
  #nextId = 0;
  #hasEnded = false;

  constructor(tools: ChangesTools) {
    this.#tools = tools;
  }

  /** The rows that are being changed. */
  get rows(): number[] {
    return [...this.#writers].flatMap(({ jobs }) => [...jobs.values()].flatMap(({ rows }) => rows));
  }

  async start(): Promise<void> {
    await Promise.all(Array.from({ length: this.#tools.writers }, () => this.#enlist()));
  }

  /** Lets all changes come to their ends. */
  async end(): Promise<void> {
    this.#hasEnded = true;
    const giveUpAt = performance.now() + LONGEST_CHANGE_MS;
    while ([...this.#writers].some(({ jobs }) => jobs.size > 0)) {
      if (performance.now() > giveUpAt) {
        this.#tools.report('a change does not end');
        return;
      }
      await sleep(10);
    }
  }

  async stop(): Promise<void> {
    this.#hasEnded = true;
    const spares = await Promise.allSettled(this.#spares);
    for (const spare of spares) if (spare.status === 'fulfilled') this.#writers.add(spare.value);
    await Promise.all([...this.#writers].map((writer) => writer.kill()));
  }

  freezeOne(ms: number): void {
    if (this.#writers.size === 0) return;
    const writer = pickFrom(this.#tools.random, [...this.#writers]);
    if (writer.frozenMs > 0) return;
    writer.freeze();
    setTimeout(() => writer.thaw(), ms).unref();
  }

  commits(writer: WriterProcess, { id, isAnnounced, stalledMs }: CommitReport): void {
    const job = writer.jobs.get(id);
    if (job === undefined) return;
    const { random } = this.#tools;
    const isKilled = job.stop === 'while it commits';
    if (!isKilled || random() < 0.5) {
      const longestMs = Math.max(stalledMs, writer.frozenMs);
      this.#commit(job, this.#isAnnounced(job, isAnnounced) && longestMs < this.#silenceMs);
    }
    if (isKilled) void this.#kill(writer, job);
    else writer.committed(id);
  }

  stopped(writer: WriterProcess, id: number): void {
    const job = writer.jobs.get(id);
    if (job !== undefined) void this.#kill(writer, job);
  }

  ended(writer: WriterProcess, { id, isReleased, isResolved }: EndReport): void {
    const job = writer.jobs.get(id);
    if (job === undefined) return;
    const number = this.#numbers.get(id);
    if (number === undefined) this.figures['not announced']++;
    else if (isReleased) {
      this.figures.released++;
      this.#tools.ledger.release(job.rows, number);
    } else if (isResolved) this.figures['resolved, release not acknowledged']++;
    this.#forget(writer, job);
    this.#give(writer);
  }

  /** A writer that is silent for longer may have lost its announcement. */
  get #silenceMs(): number {
    return this.#tools.announcedMs / 2;
  }

  /** A cache that is closed in an outage does not let work begin that is not announced. */
  #isAnnounced({ cache, manner }: ChangeJob, isAcknowledged: boolean): boolean {
    return manner !== 'change' || cache % 2 === 0 || isAcknowledged;
  }

  #commit({ id, rows }: ChangeJob, isAnnounced: boolean): void {
    const { ledger, touched } = this.#tools;
    const marks = this.#marks.get(id);
    const isPromised = (row: number) =>
      isAnnounced && !touched.wasTouchedSince(row, marks?.get(row) ?? -1);
    this.#numbers.set(id, ledger.commit(rows, isPromised));
    this.figures.commits++;
    if (rows.every(isPromised)) this.figures['commits that every read has to show at once']++;
  }

  async #kill(writer: WriterProcess, { stop }: ChangeJob): Promise<void> {
    if (!this.#writers.delete(writer)) return; // another of its changes was to be its last one
    await writer.kill();
    if (stop !== undefined) this.kills[stop] = (this.kills[stop] ?? 0) + 1;
    this.figures['killed writers']++;
    this.figures['changes that died with their writers'] += writer.jobs.size;
    for (const job of [...writer.jobs.values()]) {
      for (const row of job.rows)
        this.#tools.ledger.log(row, 'killed', this.#numbers.get(job.id) ?? 0);
      this.#forget(writer, job);
    }
    if (!this.#hasEnded) await this.#enlist();
  }

  async #enlist(): Promise<void> {
    const { report } = this.#tools;
    const next = this.#spares.shift() ?? this.#fork();
    try {
      const writer = await next;
      if (!this.#hasEnded && this.#spares.length < SPARES) this.#spares.push(this.#fork());
      this.#writers.add(writer);
      for (let lane = 0; lane < LANES; lane++) this.#give(writer);
    } catch (error) {
      report(`a writer does not start: ${String(error)}`);
    }
  }

  #fork(): Promise<WriterProcess> {
    const { addresses, announcedMs } = this.#tools;
    const seed = this.#tools.seed * 1_000 + this.#born++;
    const starting = WriterProcess.start(addresses, { seed, announcedMs }, this);
    starting.catch(() => undefined); // told when it is needed
    return starting;
  }

  #give(writer: WriterProcess): void {
    if (this.#hasEnded || !this.#writers.has(writer)) return;
    const job = this.#order();
    const { ledger, touched } = this.#tools;
    this.#marks.set(job.id, new Map(job.rows.map((row) => [row, touched.mark(row)])));
    for (const row of job.rows) {
      ledger.heat(row);
      ledger.log(row, 'announces', job.id);
    }
    this.figures.changes++;
    writer.give(job);
  }

  #order(): ChangeJob {
    const { manner, random } = this.#tools;
    const rows = [
      ...new Set(Array.from({ length: 1 + Math.floor(random() * 3) }, () => this.#row())),
    ];
    const targets = rows.map(targetsOf);
    /** Longer than an announcement that is not renewed. */
    const isLong = random() < 0.005;
    return {
      id: this.#nextId++,
      rows,
      targets: {
        tags: targets.flatMap(({ tags }) => tags),
        keys: targets.flatMap(({ keys }) => keys),
      },
      writes: rows.flatMap(writtenFor),
      manner,
      cache: Math.floor(random() * 4),
      workMs: isLong ? 1.3 * this.#tools.announcedMs : random() ** 3 * 80,
      lingerMs: isLong ? 300 : random() ** 3 * 80,
      throws: random() < 0.03,
      stop: random() < DEATHS ? pickFrom(random, STOPS) : undefined,
      stopAfter: Math.floor(random() * 4),
    };
  }

  /** Rows that others have changed just now, too, so that writers meet. */
  #row(): number {
    const { ledger, random } = this.#tools;
    return random() < 0.4 ? ledger.hotRow(random()) : Math.floor(random() * ROWS);
  }

  #forget(writer: WriterProcess, { id }: ChangeJob): void {
    writer.jobs.delete(id);
    this.#marks.delete(id);
    this.#numbers.delete(id);
  }
}

type CommitReport = Extract<WriterReport, { type: 'commit' }>;
type EndReport = Extract<WriterReport, { type: 'ended' }>;
