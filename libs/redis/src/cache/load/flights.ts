import type { CacheParts, Loaded, LoadRequest } from '../cache-parts.js';
import { Budget } from '../outage/outage-guard.js';
import { Flight } from './flight.js';
import { usableAs, entryFound } from './found.js';
import { nextMoment } from './moments.js';

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
   * @param judged the load whose entry is not good enough, '' for none
   * @throws what the loader throws; RedisException if Redis fails
   */
  async load(caller: Caller, judged: string): Promise<Loaded> {
    const { request, budget, signal } = caller;
    const { reader, guard } = this.#parts;
    const { keys, dependencies, policy } = request;
    const giveUpAt = performance.now() + policy.loadTimeoutMs;
    let { moment } = caller;
    while (performance.now() <= giveUpAt) {
      const flight = this.#flights.get(keys.entry);
      const isAdmitted = flight && (await flight.admits(moment, request, budget));
      signal?.throwIfAborted();
      if (!flight || flight.isAborted || isAdmitted || flight.isAlone) {
        const joined =
          isAdmitted && !flight.isAborted
            ? flight
            : this.#launch(request, budget, (made) => made.load(judged));
        const loaded = await joined.join(signal);
        if (loaded) return loaded;
      } else {
        await flight.ended;
        signal?.throwIfAborted();
      }
      moment = nextMoment();
      const look = () => reader.look(keys, dependencies);
      const verdict = await guard.attempt(keys.entry, 'read', budget, look);
      const status = usableAs(verdict, policy);
      if (verdict.state === 'missing') judged = verdict.judged;
      else if (status) return entryFound(verdict.entry, status);
      else judged = verdict.entry.fillId;
    }
    return this.loadAlone({ ...caller, moment });
  }

  /** Without Redis. */
  async loadAlone({ request, signal, moment, budget }: Caller): Promise<Loaded> {
    const flight = this.#flights.get(request.keys.entry);
    const isAdmitted = flight?.isAlone && (await flight.admits(moment, request, budget));
    signal?.throwIfAborted();
    const joined =
      isAdmitted && !flight.isAborted
        ? flight
        : this.#launch(request, budget, (made) => made.loadAlone());
    return (await joined.join(signal)) as Loaded; // there is always one, or an error
  }

  /** In the background, unless somebody loads it already. */
  refresh(request: LoadRequest, judged: string): void {
    if (this.#flights.has(request.keys.entry)) return;
    const budget = new Budget(request.policy.timeoutMs);
    this.#launch(request, budget, (made) => made.refresh(judged));
  }

  #launch(request: LoadRequest, budget: Budget, start: (flight: Flight) => Flight): Flight {
    const key = request.keys.entry;
    const flight = new Flight(this.#parts, request, budget);
    this.#flights.set(key, flight);
    start(flight);
    void flight.ended.then(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    return flight;
  }
}
