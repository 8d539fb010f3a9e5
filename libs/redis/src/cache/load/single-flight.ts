import type { CacheParts, Loaded, LoadRequest } from './load-request.js';
import { Budget } from '../outage/budget.js';
import type { Verdict } from '../store/entry-reader.js';
import { Flight } from './flight.js';
import { foundFor } from './found.js';
import { nextMoment } from './moments.js';
import { untilAbort } from '../../time/until-abort.js';

/** A caller who found no usable entry. */
export interface Caller {
  readonly request: LoadRequest;
  readonly budget: Budget;
  readonly signal: AbortSignal | undefined;
  /** When its read began. */
  readonly moment: number;
}

/**
 * The loads that are under way in this process: one for each entry, which everybody shares who may.
 *
 * @internal
 */
export class Flights {
  readonly #parts: CacheParts;
  readonly #flights = new Map<string, Flight>();

  constructor(parts: CacheParts) {
    this.#parts = parts;
  }

  /**
   * @param verdict on the entry that is not good enough
   * @throws what the loader throws; RedisAway if Redis cannot be asked; RedisLoadCycleException
   */
  async load(caller: Caller, verdict: Verdict): Promise<Loaded> {
    const { request, signal } = caller;
    const giveUpAt = performance.now() + request.policy.loadTimeoutMs;
    let { moment } = caller;
    while (performance.now() <= giveUpAt) {
      const loaded = await this.#share({ ...caller, moment }, verdict);
      if (loaded) return loaded;
      signal?.throwIfAborted();
      moment = nextMoment();
      verdict = await this.#look(caller);
      const found = foundFor(request, verdict);
      if (found) return found;
    }
    return this.loadAlone({ ...caller, moment });
  }

  /** Without Redis. */
  async loadAlone(caller: Caller): Promise<Loaded> {
    const { request, budget, signal, moment } = caller;
    const flight = this.#flights.get(request.keys.entry);
    const shared = flight?.follows(moment, request)
      ? await flight.running.awaited(() => flight.join(signal))
      : undefined;
    if (shared) return shared;
    signal?.throwIfAborted();
    const alone = new Flight(this.#parts, request, budget);
    const loaded = await this.#await(alone, caller, () => alone.loadAlone());
    return loaded as Loaded; // there is always one, or an error
  }

  /** In the background, unless somebody loads it already. */
  refresh(request: LoadRequest, judged: string): void {
    if (this.#flights.has(request.keys.entry)) return;
    const budget = new Budget(request.policy.timeoutMs);
    this.#parts.tracing.aside(() => {
      const flight = new Flight(this.#parts, request, budget);
      this.#launch(flight, request, () => flight.refresh(judged));
    });
  }

  /** What the flight gives that is under way, if the caller may have it, or a new one. */
  async #share(caller: Caller, verdict: Verdict): Promise<Loaded | undefined> {
    const { request, budget } = caller;
    const flight = this.#flights.get(request.keys.entry);
    if (!flight || flight.isAlone || flight.isAborted) {
      const made = new Flight(this.#parts, request, budget);
      return this.#await(made, caller, () => made.load(verdict));
    }
    return flight.running.awaited(() => this.#shareWith(flight, caller));
  }

  async #shareWith(flight: Flight, caller: Caller): Promise<Loaded | undefined> {
    const { request, budget, signal, moment } = caller;
    if (flight.follows(moment, request)) return flight.join(signal);
    await flight.settled();
    if (flight.follows(moment, request)) return flight.join(signal);
    const isUnchanged = await flight.isUnchanged(request, budget);
    if (!isUnchanged) {
      await untilAbort(flight.ended, signal);
      return undefined;
    }
    const loaded = await flight.join(signal);
    return loaded?.isComplete ? loaded : undefined;
  }

  #look({ request, budget }: Caller): Promise<Verdict> {
    const { keys, dependencies } = request;
    return this.#parts.reader.look(keys, dependencies, budget);
  }

  /** Nothing begins if the loader that asks would wait for itself. */
  #await(
    flight: Flight,
    { request, signal }: Caller,
    start: () => Flight,
  ): Promise<Loaded | undefined> {
    return flight.running.awaited(() => this.#launch(flight, request, start).join(signal));
  }

  #launch(flight: Flight, request: LoadRequest, start: () => Flight): Flight {
    const key = request.keys.entry;
    this.#flights.set(key, flight);
    start();
    void flight.ended.then(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    return flight;
  }
}
