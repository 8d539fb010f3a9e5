import { AsyncResource } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { plusJitter } from '../../time/jitter.js';
import type { LoadCall, LoadPeers } from './load-request.js';
import type { Turn } from '../outage/load-gate.js';
import { currentLoad } from './running-load.js';

/** One of the loads of a call. */
export interface Gathered<K> {
  readonly key: K;
  readonly entry: string;
  /** Its number among those of the call. */
  readonly place: number;
  readonly context: LoadCall;
}

/** Loads the values of several loads. @returns them by entry */
export type LoadTogether<K, V> = (
  gathered: readonly Gathered<K>[],
  signal: AbortSignal,
) => Promise<ReadonlyMap<string, V>>;

/**
 * Turns the loads of one call into few calls of its loader. A load that has its lease, or needs none, waits
 * for those that have asked for theirs and have no answer yet; then they are loaded together. A load whose
 * lease has another holder is not waited for. If that holder stores no value, the load follows later,
 * together with others of that kind.
 *
 * @internal
 */
export class GatheredLoads<K, V> implements LoadPeers {
  readonly turn: Turn;
  readonly #loadTogether: LoadTogether<K, V>;
  readonly #mostMs: number;
  /** How many have asked for their lease and have no answer yet. */
  #undecided = 0;
  #gathering: Gathering<K, V> | undefined;
  #pausing: Promise<void> | undefined;

  /**
   * @param turn to load without Redis, for all of them
   * @param loadTimeoutMs how long each may take, the wait for the others included
   */
  constructor(loadTogether: LoadTogether<K, V>, turn: Turn, loadTimeoutMs: number) {
    this.turn = turn;
    this.#loadTogether = loadTogether;
    this.#mostMs = loadTimeoutMs / 2;
  }

  /** The loader of one of them. Called when the load waits for nothing but the others. */
  load(one: Gathered<K>): Promise<V | undefined> {
    const gathering = (this.#gathering ??= this.#begin());
    const loaded = gathering.add(one);
    if (this.#undecided === 0) this.#loadSoon(gathering);
    return loaded;
  }

  deciding<T>(claim: Promise<T>): Promise<T> {
    this.#undecided++;
    const decided = () => {
      const isLast = --this.#undecided === 0;
      if (isLast && this.#gathering) this.#loadSoon(this.#gathering);
    };
    claim.then(decided, decided);
    return claim;
  }

  pause(ms: number): Promise<void> {
    return (this.#pausing ??= sleep(plusJitter(ms)).then(() => {
      this.#pausing = undefined;
    }));
  }

  #begin(): Gathering<K, V> {
    const gathering = new Gathering(this.#loadTogether, this.turn);
    // Replies that have arrived come first: timers run before them.
    gathering.timer = setTimeout(() => setImmediate(this.#load, gathering), this.#mostMs).unref();
    return gathering;
  }

  /** Loads in the next turn of the event loop: further ones may be decided in this turn. */
  #loadSoon(gathering: Gathering<K, V>): void {
    setImmediate(() => {
      if (this.#undecided === 0) this.#load(gathering);
    });
  }

  readonly #load = (gathering: Gathering<K, V>): void => {
    if (this.#gathering !== gathering) return; // it has been loaded
    this.#gathering = undefined;
    clearTimeout(gathering.timer);
    gathering.load();
  };
}

/** Several loads that are one call of the loader. */
class Gathering<K, V> {
  timer: NodeJS.Timeout | undefined;
  readonly #loadTogether: LoadTogether<K, V>;
  readonly #turn: Turn;
  readonly #all: Gathered<K>[] = [];
  /** The first load. The loader runs inside of it, and the others count as waiting for it. */
  readonly #first = currentLoad();
  readonly #insideFirst = AsyncResource.bind((work: () => Promise<void>) => work());
  #resolve!: (values: ReadonlyMap<string, V>) => void;
  #reject!: (error: unknown) => void;
  readonly #values = new Promise<ReadonlyMap<string, V>>((resolve, reject) => {
    this.#resolve = resolve;
    this.#reject = reject;
  });

  constructor(loadTogether: LoadTogether<K, V>, turn: Turn) {
    this.#loadTogether = loadTogether;
    this.#turn = turn;
    this.#values.catch(() => undefined); // each of them may have left
  }

  async add(one: Gathered<K>): Promise<V | undefined> {
    this.#all.push(one);
    const isFirst = this.#all.length === 1;
    const values = () => this.#values;
    const loaded = await (isFirst || !this.#first ? values() : this.#first.awaited(values));
    return loaded.get(one.entry);
  }

  load(): void {
    const wanted = this.#all
      .filter(({ context }) => !context.abort.isAborted)
      .sort((one, other) => one.place - other.place);
    if (wanted.length === 0) return;
    const signal = untilAllHaveLeft(wanted);
    void this.#insideFirst(async () => {
      try {
        // Loads inside of the loader may have the place of any of these, which all wait for it.
        this.#resolve(await this.#turn.inside(() => this.#loadTogether(wanted, signal)));
      } catch (error) {
        this.#reject(error);
      }
    });
  }
}

/** A signal that aborts when no caller waits for any of these any more. */
function untilAllHaveLeft<K>(wanted: readonly Gathered<K>[]): AbortSignal {
  const all = new AbortController();
  let left = 0;
  const leave = (reason: unknown) => {
    if (++left === wanted.length) all.abort(reason);
  };
  for (const { context } of wanted) context.abort.onAbort(leave);
  return all.signal;
}
