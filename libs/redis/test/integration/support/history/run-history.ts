import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  startCluster,
  startFaultProxy,
  startRedis,
  type FaultProxy,
} from '../../../../src/testing/index.js';
import { pickFrom, randomNumbers } from '../random.js';
import { Chaos } from './chaos.js';
import type { Violation } from './history-caller.js';
import type { WorkerData, WorkerMessage } from './history-worker.js';
import { FIGURES, Phase, SharedState } from './shared-state.js';
import { SlotMigrations } from './slot-migrations.js';

const WORKER = join(
  process.cwd(),
  'libs/redis/test/integration/support/history/history-thread.cjs',
);

export interface HistoryOptions {
  readonly seed: number;
  /** Ends with the round of trouble in which there have been so many reads. */
  readonly reads: number;
  /** How long there is trouble in each round; by default four seconds. */
  readonly troubleMs?: number;
  readonly workers?: number;
  readonly topology?: 'one server' | 'cluster';
  /** Whether slots of the cluster are moved between its nodes meanwhile. */
  readonly migrations?: boolean;
  /** Told about once a second. */
  readonly onProgress?: (reads: number) => void;
}

export interface HistoryResult {
  readonly seed: number;
  readonly figures: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  readonly violations: readonly Violation[];
  readonly seconds: number;
}

/** How long each period of trouble is, and each period of calm after it. */
const TROUBLE_MS = 4_000;
const CALM_MS = 600;
/** By then commands whose callers have stopped waiting have been executed, too. */
const LATE_MS = 300;
/** The longest time to wait for threads that do not make progress. */
const PATIENCE_MS = 40_000;

/**
 * Runs threads that read, write and invalidate during all kinds of failures. Checks that no value is older
 * than the writes acknowledged before its read; that no entry is loaded twice at the same time while the
 * leases are intact; that each call ends; and that all threads read the same values in the end.
 */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const startedAt = performance.now();
  const history = await History.start(options);
  try {
    await history.run();
  } finally {
    await history.stop();
  }
  return history.result((performance.now() - startedAt) / 1_000);
}

type Server = Pick<Awaited<ReturnType<typeof startRedis>>, 'host' | 'port'>;

class History {
  readonly #state = new SharedState();
  readonly #violations: Violation[] = [];
  readonly #workers = new Map<number, Worker>();
  readonly #random: () => number;
  readonly #chaos: Chaos;
  #migrations: SlotMigrations | undefined;
  #generation = 0;
  #ready = 0;
  #final = 0;

  static async start(options: HistoryOptions): Promise<History> {
    if (options.topology === 'cluster') {
      const cluster = await startCluster({ replicas: false });
      const history = new History(options, cluster.nodes, await proxiesOf(cluster.nodes), cluster);
      if (options.migrations) {
        const random = randomNumbers(options.seed + 1); // or chaos would be another one
        history.#migrations = await SlotMigrations.start(cluster.nodes, random);
      }
      return history;
    }
    const server = await startRedis();
    return new History(options, [server], await proxiesOf([server]), server);
  }

  private constructor(
    private readonly options: HistoryOptions,
    private readonly nodes: readonly Server[],
    private readonly proxies: readonly FaultProxy[],
    private readonly server: { stop(): Promise<void> },
  ) {
    this.#random = randomNumbers(options.seed);
    this.#chaos = new Chaos({
      state: this.#state,
      random: this.#random,
      nodes,
      proxies,
      replaceWorker: () => this.#replaceWorker(),
    });
  }

  get #workerCount(): number {
    return this.options.workers ?? 3;
  }

  async run(): Promise<void> {
    for (let worker = 0; worker < this.#workerCount; worker++) this.#startWorker(worker);
    await this.#until('all threads are ready', () => this.#ready === this.#workerCount);
    do {
      this.#state.phase = Phase.chaos;
      const until = performance.now() + (this.options.troubleMs ?? TROUBLE_MS);
      await Promise.all([this.#trouble(until), this.#migrate(until)]);
      await Promise.all(this.proxies.map((proxy) => proxy.heal()));
      this.#state.phase = Phase.settle;
      await this.#until('all calls have ended', () => this.#state.isIdle);
      await sleep(LATE_MS);
      this.#state.forgetOutages();
      this.#state.phase = Phase.calm;
      await sleep(CALM_MS);
      this.options.onProgress?.(this.#state.figure('reads'));
    } while (this.#state.figure('reads') < this.options.reads);
    this.#state.phase = Phase.final;
    await this.#until('all threads have written', () => this.#final === this.#workerCount);
    const gone = [...this.#workers.values()].map((worker) => {
      worker.postMessage('all have written');
      return new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    });
    await Promise.race([Promise.all(gone), sleep(PATIENCE_MS, undefined, { ref: false })]);
    if (this.#workers.size > 0) this.#report('a thread does not end');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.terminate()));
    this.#chaos.close();
    this.#migrations?.close();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.server.stop();
  }

  result(seconds: number): HistoryResult {
    const figures = Object.fromEntries(FIGURES.map((name) => [name, this.#state.figure(name)]));
    const { seed } = this.options;
    return {
      seed,
      figures,
      faults: { ...this.#chaos.done, ...this.#migrations?.done },
      violations: this.#violations,
      seconds,
    };
  }

  async #trouble(until: number): Promise<void> {
    while (performance.now() < until && this.#violations.length < 20) {
      await sleep(this.#random() * 60);
      await this.#chaos.act();
    }
  }

  async #migrate(until: number): Promise<void> {
    while (this.#migrations && performance.now() < until && this.#violations.length < 20) {
      await this.#migrations.migrateOne().catch((error: unknown) => {
        this.#report(`a migration failed: ${String(error)}`);
      });
      await sleep(20);
    }
  }

  async #until(what: string, isSo: () => boolean): Promise<void> {
    const giveUpAt = performance.now() + PATIENCE_MS;
    while (!isSo()) {
      if (performance.now() > giveUpAt) {
        this.#report(`waited ${PATIENCE_MS / 1_000} s until ${what}`);
        return;
      }
      await sleep(5);
    }
  }

  #startWorker(worker: number): void {
    const workerData: WorkerData = {
      memory: this.#state.memory,
      worker,
      workers: this.#workerCount,
      seed: this.options.seed * 1_000 + this.#generation++,
      proxies: this.proxies.map(({ host, port }) => ({ host, port })),
      nodes: this.nodes.map(({ host, port }) => ({ host, port })),
    };
    const thread = new Worker(WORKER, { workerData });
    this.#workers.set(worker, thread);
    thread.on('message', (message: WorkerMessage) => {
      if (message.type === 'ready') this.#ready++;
      else if (message.type === 'final') this.#final++;
      else this.#violations.push(message.violation);
    });
    thread.on('error', (error) => this.#report(`a thread failed: ${error.stack}`));
    thread.once('exit', () => {
      if (this.#workers.get(worker) === thread) this.#workers.delete(worker);
    });
  }

  async #replaceWorker(): Promise<void> {
    const worker = pickFrom(this.#random, [...this.#workers.keys()]);
    await this.#workers.get(worker)?.terminate();
    this.#state.forget(worker);
    this.#startWorker(worker);
  }

  #report(what: string): void {
    this.#violations.push({ what, key: '', events: [] });
  }
}

function proxiesOf(servers: readonly Server[]): Promise<FaultProxy[]> {
  return Promise.all(servers.map((server) => startFaultProxy(server)));
}
