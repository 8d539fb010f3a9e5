import { setTimeout as sleep } from 'node:timers/promises';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import {
  startCluster,
  startFaultProxy,
  startRedis,
  type FaultProxy,
  type RedisTestServer,
} from '../../../../src/testing/index.js';
import { HistoryRun, runToEnd, type HistoryOutcome } from '../history/history-run.js';
import { randomNumbers } from '../random.js';
import { LedgerChanges } from './ledger-changes.js';
import type { Manner } from './change-job.js';
import type { ReaderData, ReaderMessage } from './ledger-reader.js';
import { LedgerTrouble } from './ledger-trouble.js';
import { FIGURES, Ledger, Phase } from './ledger.js';
import { TouchedMetadata } from './touched-metadata.js';

const READER = join(
  process.cwd(),
  'libs/redis/test/integration/support/change-history/ledger-reader-thread.cjs',
);

/** Long enough for a busy machine, and short, because what a dead writer changed is not cached meanwhile. */
const ANNOUNCED_MS = 2_000;
/** Everything that lives in Redis lives through a restart. */
const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'no'];

export interface ChangeHistoryOptions {
  readonly seed: number;
  /** Ends when there have been so many reads and so many kills, */
  readonly reads: number;
  /** @default 0 */
  readonly kills?: number;
  /** and trouble for so long, or enough violations. @default 0 */
  readonly troubleMs?: number;
  /** Processes that are killed and replaced. @default 3 */
  readonly writers?: number;
  /** @default 2 */
  readonly readers?: number;
  readonly topology?: 'one server' | 'cluster';
  /** @default 'change' */
  readonly manner?: Manner;
  /** Called about once a second. */
  readonly onProgress?: (reads: number) => void;
}

export interface ChangeHistoryResult extends HistoryOutcome {
  readonly kills: Readonly<Record<string, number>>;
}

/**
 * Runs threads that read and processes that change a database, and kills the latter at every step of a
 * change, while everything goes wrong that can. Checks that no value is older than what had been committed
 * before it was asked for, unless the announcement of that change was harmed: then than what was released.
 */
export async function runChangeHistory(
  options: ChangeHistoryOptions,
): Promise<ChangeHistoryResult> {
  const history = await ChangeHistory.start(options);
  return history.result(await runToEnd(history));
}

class ChangeHistory extends HistoryRun {
  readonly #ledger = new Ledger();
  readonly #touched = new TouchedMetadata();
  readonly #threads = new Set<Worker>();
  readonly #random: () => number;
  readonly #changes: LedgerChanges;
  readonly #trouble: LedgerTrouble;
  #ready = 0;
  #done = 0;

  static async start(options: ChangeHistoryOptions): Promise<ChangeHistory> {
    const isCluster = options.topology === 'cluster';
    const server = isCluster
      ? await startCluster({ replicas: false })
      : await startRedis({ args: DURABLE });
    const nodes = 'nodes' in server ? server.nodes : [server];
    const proxies = await Promise.all(nodes.map((node) => startFaultProxy(node)));
    return new ChangeHistory(options, nodes, proxies, () => server.stop());
  }

  private constructor(
    private readonly options: ChangeHistoryOptions,
    private readonly nodes: readonly RedisTestServer[],
    private readonly proxies: readonly FaultProxy[],
    private readonly stopServer: () => Promise<void>,
  ) {
    super();
    this.#random = randomNumbers(options.seed);
    const shared = { ledger: this.#ledger, touched: this.#touched, random: this.#random };
    const [only] = nodes.length === 1 ? nodes : [];
    this.#changes = new LedgerChanges({
      ...shared,
      addresses: this.#addresses,
      seed: options.seed,
      writers: options.writers ?? 3,
      manner: options.manner ?? 'change',
      announcedMs: ANNOUNCED_MS,
      report: (what) => this.report(what),
    });
    this.#trouble = new LedgerTrouble({
      ...shared,
      nodes,
      proxies,
      changing: () => this.#changes.rows,
      freezeWriter: (ms) => this.#changes.freezeOne(ms),
      restart: only && (() => restart(only, this.#random() * 300)),
      announcedMs: ANNOUNCED_MS,
    });
  }

  get #addresses() {
    const addressOf = ({ host, port }: { host: string; port: number }) => ({ host, port });
    return { proxies: this.proxies.map(addressOf), nodes: this.nodes.map(addressOf) };
  }

  async run(): Promise<void> {
    const { reads, kills = 0, readers = 2, troubleMs = 0 } = this.options;
    for (let thread = 0; thread < readers; thread++) this.#startReader(thread);
    await this.#changes.start();
    await this.until('all threads are ready', () => this.#ready === readers);
    const until = performance.now() + troubleMs;
    let toldAt = performance.now();
    const isEnough = () =>
      this.#ledger.figure('reads') >= reads &&
      this.#changes.figures['killed writers'] >= kills &&
      performance.now() >= until;
    while (!isEnough() && !this.hasEnoughViolations) {
      // A cluster finds out more slowly that a connection is gone; or hardly anything would be a hit.
      await sleep(this.#random() * 300 * this.nodes.length);
      await this.#trouble.act();
      if (performance.now() < toldAt + 1_000) continue;
      toldAt = performance.now();
      this.options.onProgress?.(this.#ledger.figure('reads'));
    }
    await Promise.all(this.proxies.map((proxy) => proxy.heal()));
    await this.#changes.end();
    this.#ledger.phase = Phase.audit;
    await this.until('all threads have read everything', () => this.#done === readers);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#threads].map((thread) => thread.terminate()));
    await this.#changes.stop();
    this.#trouble.close();
    await Promise.all(this.proxies.map((proxy) => proxy.stop()));
    await this.stopServer();
  }

  result(seconds: number): ChangeHistoryResult {
    const reading = FIGURES.map((name) => [name, this.#ledger.figure(name)]);
    return {
      figures: { ...Object.fromEntries(reading), ...this.#changes.figures },
      kills: this.#changes.kills,
      faults: this.#trouble.done,
      violations: this.violations,
      seconds,
    };
  }

  #startReader(thread: number): void {
    const seed = this.options.seed * 1_000 + thread;
    const workerData: ReaderData = {
      ...this.#addresses,
      memory: this.#ledger.memory,
      thread,
      seed,
    };
    const worker = new Worker(READER, { workerData });
    this.#threads.add(worker);
    worker.on('message', (message: ReaderMessage) => {
      if (message.type === 'violation') this.violations.push(message.violation);
      else if (message.type === 'ready') this.#ready++;
      else this.#done++;
    });
    worker.on('error', (error) => this.report(`a thread failed: ${error.stack}`));
  }
}

async function restart(server: RedisTestServer, awayMs: number): Promise<void> {
  await server.kill();
  await sleep(awayMs);
  await server.restart();
}
