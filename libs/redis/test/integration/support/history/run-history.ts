import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import {
  startCluster,
  startRedis,
  type RedisTestCluster,
  type RedisTestServer,
} from '../../../../src/testing/index.js';
import { pickFrom, randomNumbers } from '../random.js';
import { startSplitProxy, type SplitProxy } from '../split-proxy.js';
import { Chaos } from './chaos.js';
import { NearFaults } from './near-faults.js';
import { HistoryRun, PATIENCE_MS, runToEnd, type HistoryOutcome } from './history-run.js';
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
  /** Ends with the round in which so many seconds have passed; by default no limit. */
  readonly seconds?: number;
  /** How long there is trouble in each round; by default four seconds. */
  readonly troubleMs?: number;
  readonly workers?: number;
  readonly topology?: 'one server' | 'cluster';
  /** Whether caches have near copies: then what harms these is done, too. */
  readonly near?: boolean;
  /** Whether slots of the cluster are moved between its nodes meanwhile. */
  readonly migrations?: boolean;
  /** Called about once a second. */
  readonly onProgress?: (reads: number) => void;
}

export interface HistoryResult extends HistoryOutcome {
  readonly seed: number;
}

/** How long each period of trouble is, and each period of calm after it. */
const TROUBLE_MS = 4_000;
const CALM_MS = 600;
/** By then commands whose callers have stopped waiting have been executed, too. */
const LATE_MS = 300;

/**
 * Runs threads that read, write and invalidate during all kinds of failures. Checks that no value is older
 * than the writes acknowledged before its read; that no entry is loaded twice at the same time while the
 * leases are intact; that each call ends; and that all threads read the same values in the end.
 */
export async function runHistory(options: HistoryOptions): Promise<HistoryResult> {
  const history = await History.start(options);
  return history.result(await runToEnd(history));
}

class History extends HistoryRun {
  readonly #state = new SharedState();
  readonly #workers = new Map<number, Worker>();
  readonly #random: () => number;
  readonly #chaos: Chaos;
  readonly #nearFaults: NearFaults | undefined;
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
    private readonly nodes: readonly RedisTestServer[],
    private readonly proxies: readonly SplitProxy[],
    private readonly server: RedisTestServer | RedisTestCluster,
  ) {
    super();
    this.#random = randomNumbers(options.seed);
    this.#chaos = new Chaos({
      state: this.#state,
      random: this.#random,
      nodes,
      proxies,
      replaceWorker: () => this.#replaceWorker(),
    });
    if (!options.near) return;
    this.#nearFaults = new NearFaults({
      state: this.#state,
      random: randomNumbers(options.seed + 2),
      nodes,
      proxies,
      workers: this.#workerCount,
    });
  }

  get #workerCount(): number {
    return this.options.workers ?? 3;
  }

  async run(): Promise<void> {
    for (let worker = 0; worker < this.#workerCount; worker++) this.#startWorker(worker);
    const endsAt = performance.now() + (this.options.seconds ?? Infinity) * 1_000;
    await this.until('all threads are ready', () => this.#ready === this.#workerCount);
    do {
      this.#state.phase = Phase.chaos;
      const until = performance.now() + (this.options.troubleMs ?? TROUBLE_MS);
      await Promise.all([this.#trouble(until), this.#migrate(until), this.#harmNear(until)]);
      await Promise.all(this.proxies.map((proxy) => proxy.heal()));
      this.#state.endPauses();
      this.#state.phase = Phase.settle;
      await this.until('all calls have ended', () => this.#state.isIdle);
      await sleep(LATE_MS);
      this.#state.forgetOutages();
      this.#state.phase = Phase.calm;
      await sleep(CALM_MS);
      this.options.onProgress?.(this.#state.figure('reads'));
    } while (this.#state.figure('reads') < this.options.reads && performance.now() < endsAt);
    this.#state.phase = Phase.final;
    await this.until('all threads have written', () => this.#final === this.#workerCount);
    const gone = [...this.#workers.values()].map((worker) => {
      worker.postMessage('all have written');
      return new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    });
    await Promise.race([Promise.all(gone), sleep(PATIENCE_MS, undefined, { ref: false })]);
    if (this.#workers.size > 0) this.report('a thread does not end');
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#workers.values()].map((worker) => worker.terminate()));
    this.#chaos.close();
    this.#nearFaults?.close();
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
      faults: { ...this.#chaos.done, ...this.#nearFaults?.done, ...this.#migrations?.done },
      violations: this.violations,
      seconds,
    };
  }

  async #trouble(until: number): Promise<void> {
    while (performance.now() < until && !this.hasEnoughViolations) {
      await sleep(this.#random() * (this.options.near ? 500 : 60)); // copies are to be of use in between
      await this.#chaos.act();
    }
  }

  async #harmNear(until: number): Promise<void> {
    while (this.#nearFaults && performance.now() < until && !this.hasEnoughViolations) {
      await sleep(this.#random() * 800);
      await this.#nearFaults.act();
    }
  }

  async #migrate(until: number): Promise<void> {
    while (this.#migrations && performance.now() < until && !this.hasEnoughViolations) {
      await this.#migrations.migrateOne().catch((error: unknown) => {
        this.report(`a migration failed: ${String(error)}`);
      });
      await sleep(20);
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
      near: this.options.near ?? false,
    };
    const thread = new Worker(WORKER, { workerData });
    this.#workers.set(worker, thread);
    thread.on('message', (message: WorkerMessage) => {
      if (message.type === 'ready') this.#ready++;
      else if (message.type === 'final') this.#final++;
      else this.violations.push(message.violation);
    });
    thread.on('error', (error) => this.report(`a thread failed: ${error.stack}`));
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
}

function proxiesOf(servers: readonly RedisTestServer[]): Promise<SplitProxy[]> {
  return Promise.all(servers.map((server) => startSplitProxy(server)));
}
