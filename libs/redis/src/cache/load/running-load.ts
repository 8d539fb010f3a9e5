import { AsyncLocalStorage } from 'node:async_hooks';
import { RedisLoadCycleException } from '../../errors/redis-load-cycle.exception.js';

/**
 * Refuses loads that would wait for themselves: knows the loads whose loaders wait for this one. A loader
 * that waits for its own load, or for one that waits for it, would wait until `loadTimeout`.
 *
 * @internal
 */
export class RunningLoad {
  /** The client: the same key on another one is another entry. */
  readonly #client: object;
  readonly key: string;
  #waiting: Set<Wait> | undefined;
  #isRunning = false;

  constructor(client: object, key: string) {
    this.#client = client;
    this.key = key;
  }

  /** Calls the loader. */
  async run<T>(load: () => Promise<T>): Promise<T> {
    this.#isRunning = true;
    running++;
    try {
      return await current.run(this, load);
    } finally {
      this.#isRunning = false;
      if (--running === 0) current.disable();
    }
  }

  /**
   * Waits for this load, in the name of the loader in which this is called, if there is one.
   *
   * @throws RedisLoadCycleException if this load waits for that loader, directly or through others
   */
  awaited<T>(wait: () => Promise<T>): Promise<T> {
    const load = current.getStore();
    return load ? this.#awaitedBy(load, wait) : wait();
  }

  async #awaitedBy<T>(load: RunningLoad, wait: () => Promise<T>): Promise<T> {
    load.#refuse(this.#client, this.key);
    const waits = (this.#waiting ??= new Set());
    const waiting: Wait = { load };
    waits.add(waiting);
    try {
      return await wait();
    } finally {
      waits.delete(waiting);
    }
  }

  /** Looks for the entry among the loads that wait for this load, directly or through others. */
  #refuse(client: object, key: string): void {
    // For each load found, the one that it waits for. Those added meanwhile are visited, too.
    const waitsFor = new Map<RunningLoad, RunningLoad | undefined>([[this, undefined]]);
    for (const [load] of waitsFor) {
      if (load.#isRunning && load.#client === client && load.key === key) {
        throw new RedisLoadCycleException([...pathFrom(load, waitsFor), key]);
      }
      for (const { load: waiting } of load.#waiting ?? NONE) {
        if (!waitsFor.has(waiting)) waitsFor.set(waiting, load);
      }
    }
  }
}

/** The wait of one load's loader for another load. There may be several for the same two. */
interface Wait {
  readonly load: RunningLoad;
}

const NONE: readonly Wait[] = [];

function pathFrom(
  first: RunningLoad,
  waitsFor: ReadonlyMap<RunningLoad, RunningLoad | undefined>,
): [string, ...string[]] {
  const path: [string, ...string[]] = [first.key];
  let load = waitsFor.get(first);
  while (load) {
    path.push(load.key);
    load = waitsFor.get(load);
  }
  return path;
}

/**
 * The load that the running code is part of. Enabled only while there are loads: up to Node 22 an enabled
 * storage costs every promise of the process.
 */
const current = new AsyncLocalStorage<RunningLoad>();

/** How many loaders are running, of all caches. */
let running = 0;

/** The load inside whose loader this is called, if there is one. */
export function currentLoad(): RunningLoad | undefined {
  return current.getStore();
}
