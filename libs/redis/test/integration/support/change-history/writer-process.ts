import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Addresses } from '../history/open-clients.js';
import type { ChangeJob, WriterOrder, WriterReport } from './change-job.js';

const CHILD = join(
  process.cwd(),
  'libs/redis/test/integration/support/change-history/ledger-writer-child.cjs',
);

export interface WriterListener {
  commits(writer: WriterProcess, report: Extract<WriterReport, { type: 'commit' }>): void;
  stopped(writer: WriterProcess, id: number): void;
  ended(writer: WriterProcess, report: Extract<WriterReport, { type: 'ended' }>): void;
}

/** A writer in a process of its own, as the one that survives it sees it. */
export class WriterProcess {
  /** Its changes that have not ended, with what was known when they were ordered. */
  readonly jobs = new Map<number, ChangeJob>();
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;
  #frozenAt: number | undefined;

  static async start(
    addresses: Addresses,
    options: { readonly seed: number; readonly announcedMs: number },
    listener: WriterListener,
  ): Promise<WriterProcess> {
    const { seed, announcedMs } = options;
    const child = fork(CHILD, [JSON.stringify(addresses), String(seed), String(announcedMs)]);
    const died = once(child, 'exit').then(() => Promise.reject(new Error('a writer died')));
    await Promise.race([once(child, 'message'), died]);
    died.catch(() => undefined); // killed later, as all are
    return new WriterProcess(child, listener);
  }

  private constructor(child: ChildProcess, listener: WriterListener) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    child.on('message', (report: WriterReport) => {
      if (report.type === 'commit') listener.commits(this, report);
      else if (report.type === 'stopped') listener.stopped(this, report.id);
      else if (report.type === 'ended') listener.ended(this, report);
    });
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** How long it has been stopped by now. */
  get frozenMs(): number {
    return this.#frozenAt === undefined ? 0 : performance.now() - this.#frozenAt;
  }

  give(job: ChangeJob): void {
    this.jobs.set(job.id, job);
    this.#send({ type: 'job', job });
  }

  committed(id: number): void {
    this.#send({ type: 'committed', id });
  }

  freeze(): void {
    this.#frozenAt ??= performance.now();
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#frozenAt = undefined;
    this.#child.kill('SIGCONT');
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#exited;
  }

  #send(order: WriterOrder): void {
    if (this.#child.connected) this.#child.send(order, () => undefined); // it may have been killed
  }
}
