import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Api } from './api.js';
import { APP } from './internals.js';

const CHILD = join(process.cwd(), 'test/chaos/app-child.cjs');

/** The users API in a process of its own. */
export class AppProcess {
  readonly api: Api;
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  /** @param env how it finds Redis */
  static async start(env: Readonly<Record<string, string>>): Promise<AppProcess> {
    const child = fork(CHILD, {
      cwd: tmpdir(), // where there is no .env
      env: {
        ...{ PATH: process.env['PATH'], NODE_ENV: 'production', PORT: '0', LOG_LEVEL: 'silent' },
        USERS_STORE: 'redis',
        ...{ REDIS_KEY_PREFIX: APP, REDIS_ENVIRONMENT: APP, REDIS_STARTUP: 'require' },
        ...{ REDIS_COMMAND_TIMEOUT: '1s', REDIS_CONNECT_TIMEOUT: '1s' },
        ...env,
      },
    });
    const failed = once(child, 'exit').then(() => Promise.reject(new Error('it did not start')));
    const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [{ port: number }];
    failed.catch(() => undefined); // ended later, as all do
    return new AppProcess(child, port);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#ended = once(child, 'exit');
    this.api = new Api(port);
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  async stop(): Promise<void> {
    this.api.close();
    if (this.isAlive) this.#child.kill('SIGTERM');
    await this.#ended;
  }
}
