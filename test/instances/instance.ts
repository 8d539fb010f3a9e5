import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Api } from '../chaos/api.js';

const CHILD = join(process.cwd(), 'test/instances/instance-child.cjs');

/** The name of the application, and of its environment, in every key. */
const APP = 'instances';

/** One life of an instance of the users API. */
export class Instance {
  readonly api: Api;
  /** Since when it was being killed, on the clock of `performance.now()`. */
  #killedAt = Infinity;
  readonly #child: ChildProcess;
  readonly #exited: Promise<unknown>;

  /** @param env where it finds Redis and the database */
  static async start(env: Readonly<Record<string, string>>): Promise<Instance> {
    const child = fork(CHILD, {
      cwd: tmpdir(), // where there is no .env
      env: {
        ...{ PATH: process.env['PATH'], NODE_ENV: 'production', PORT: '0', LOG_LEVEL: 'silent' },
        ...{ REDIS_KEY_PREFIX: APP, REDIS_ENVIRONMENT: APP, USERS_STORE: 'cached' },
        ...{ REDIS_COMMAND_TIMEOUT: '1s', REDIS_CONNECT_TIMEOUT: '1s' },
        ...{ DATABASE_CONNECT_TIMEOUT: '3s', DATABASE_STATEMENT_TIMEOUT: '3s' },
        ...env,
      },
    });
    const failed = once(child, 'exit').then(() => Promise.reject(new Error('it did not start')));
    const [{ port }] = (await Promise.race([once(child, 'message'), failed])) as [{ port: number }];
    failed.catch(() => undefined); // ended later, as all do
    return new Instance(child, port);
  }

  private constructor(child: ChildProcess, port: number) {
    this.#child = child;
    this.#exited = once(child, 'exit');
    this.api = new Api(port);
  }

  get killedAt(): number {
    return this.#killedAt;
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** In the middle of whatever it does. */
  async kill(): Promise<void> {
    this.#killedAt = performance.now();
    this.#child.kill('SIGKILL');
    await this.#exited;
    this.api.close();
  }

  async stop(): Promise<void> {
    this.api.close();
    if (this.isAlive) this.#child.kill('SIGTERM');
    await this.#exited;
  }
}
