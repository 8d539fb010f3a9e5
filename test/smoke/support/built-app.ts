import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { waitUntil } from '../../support/time.js';

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/**
 * The built application as its users run it: a process of its own, in an empty folder (no `.env`, no
 * data of an earlier run) and with an environment that has nothing but what the test gives it.
 */
export class BuiltApp {
  readonly pid: number;
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #exit: Promise<Exit>;
  #output = '';
  #exited = false;

  constructor(environment: Readonly<Record<string, string>>) {
    this.#folder = mkdtempSync(join(tmpdir(), 'smoke-app-'));
    const main = join(process.cwd(), 'dist/apps/users/main.js');
    this.#child = spawn(
      process.execPath,
      ['--max-semi-space-size=64', '--enable-source-maps', main],
      {
        cwd: this.#folder,
        env: { PORT: '0', ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    this.pid = this.#child.pid ?? 0;
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    this.#child.stdout?.on('data', collect);
    this.#child.stderr?.on('data', collect);
    this.#exit = once(this.#child, 'close').then(([code, signal]) => {
      this.#exited = true;
      return { code, signal };
    });
  }

  /** Everything it printed so far. */
  get output(): string {
    return this.#output;
  }

  /** @returns the base URL, once the application says that it listens there */
  async url(): Promise<string> {
    let url: string | undefined;
    await waitUntil('the application listens, or has ended', () => {
      [url] = /http:\/\/127\.0\.0\.1:\d+/.exec(this.#output) ?? [];
      return url !== undefined || this.#exited;
    }).catch(() => undefined);
    if (url) return url;
    throw new Error(`the application does not listen; it printed:\n${this.#output}`);
  }

  /** Waits for the end of the process. */
  exit(): Promise<Exit> {
    return this.#exit;
  }

  /** @returns how it ended */
  async stop(signal: NodeJS.Signals): Promise<Exit> {
    this.#child.kill(signal);
    return this.#exit;
  }

  async cleanUp(): Promise<void> {
    if (!this.#exited) await this.stop('SIGKILL');
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}
