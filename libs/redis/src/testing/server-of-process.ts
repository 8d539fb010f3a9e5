import type { ServerProcess } from '../embedded/server-process.js';

/**
 * A server of a test that runs in a process, which may be another one after a restart.
 *
 * @internal
 */
export abstract class ServerOfProcess {
  /** `undefined` while the server is stopped. */
  protected process: ServerProcess | undefined;
  private stopped: Promise<void> | undefined;

  protected constructor(first: ServerProcess) {
    this.process = first;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  async kill(): Promise<void> {
    const process = this.process;
    this.process = undefined;
    await process?.kill();
  }

  freeze(): void {
    this.process?.signal('SIGSTOP');
  }

  thaw(): void {
    this.process?.signal('SIGCONT');
  }

  stop(): Promise<void> {
    return (this.stopped ??= this.end());
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** Its data is not needed any more, and an orderly exit takes 100 ms. */
  protected end(): Promise<void> {
    return this.kill();
  }
}
