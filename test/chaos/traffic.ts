import { setTimeout as sleep } from 'node:timers/promises';

import type { Api } from './api.js';
import { Caller } from './caller.js';
import { Chance } from './chance.js';
import type { Oracle } from './oracle.js';
import type { UserHistory } from './user-history.js';

const CALLERS = 10;

/** Between two requests of a caller; all callers together make some 400 requests per second. */
const THINK_MS = 40;

/** Callers that create, read, change and delete users, each through any of the processes. */
export class Traffic {
  /** All that are known to have been made. */
  readonly users: UserHistory[] = [];
  readonly #callers: readonly Caller[];
  #running: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  /** @param name tells the users of this traffic from all others */
  constructor(oracle: Oracle, apis: readonly Api[], name: string, seed: number) {
    this.#callers = Array.from(
      { length: CALLERS },
      (_, n) => new Caller(`${name}-${n}`, oracle, apis, this.users, new Chance(seed, name, n)),
    );
  }

  start(): void {
    this.#running = Promise.all(this.#callers.map((caller) => this.#keepBusy(caller)));
  }

  /** Resolves when every request has been answered. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#running;
  }

  async #keepBusy(caller: Caller): Promise<void> {
    while (!this.#isStopped) {
      await caller.act();
      await sleep(THINK_MS * caller.chance.next());
    }
  }
}
