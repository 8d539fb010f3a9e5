import { untilAbort } from '../../time/until-abort.js';
import type { Dependency } from '../entry/dependencies.js';
import { Budget } from '../outage/budget.js';
import type { Verdict } from '../store/entry-reader.js';
import { Flight, type FlightParts } from './flight.js';
import type { Loaded, LoadRequest } from './load-request.js';
import { nextMoment } from './progress.js';
import { readableIn } from './values.js';

/** A caller who found no usable entry. */
export interface Caller {
  readonly request: LoadRequest;
  readonly budget: Budget;
  readonly signal: AbortSignal | undefined;
  /** When its read began. */
  readonly moment: number;
}

/**
 * Keeps the loads that are under way in this process: one for each entry, shared by all callers that may
 * share it.
 *
 * @internal
 */
export class Flights {
  readonly #parts: FlightParts;
  readonly #flights = new Map<string, Flight>();

  constructor(parts: FlightParts) {
    this.#parts = parts;
  }

  /**
   * @param verdict on the entry that is not good enough
   * @throws what the loader throws; RedisAway if Redis cannot be asked; RedisLoadCycleException
   */
  async load(caller: Caller, verdict: Verdict): Promise<Loaded> {
    const { request, signal } = caller;
    const giveUpAt = performance.now() + request.policy.loadTimeoutMs;
    let asking = caller;
    while (performance.now() <= giveUpAt) {
      const loaded = await this.#share(asking, verdict);
      if (loaded) return loaded;
      signal?.throwIfAborted();
      asking = { ...caller, moment: nextMoment() };
      verdict = await this.#look(caller);
      const found = readableIn(verdict, request);
      if (found) return found;
    }
    return this.loadAlone(asking);
  }

  /** Loads without Redis. */
  async loadAlone(caller: Caller): Promise<Loaded> {
    const { request, budget, signal } = caller;
    const flight = this.#flights.get(request.keys.entry);
    const shared =
      flight && follows(flight, caller)
        ? await flight.running.awaited(() => flight.join(signal))
        : undefined;
    if (shared) return shared;
    signal?.throwIfAborted();
    const alone = this.#make(request, budget);
    const loaded = await this.#await(alone, caller, () => alone.loadAlone());
    return loaded as Loaded; // there is always one, or an error
  }

  /** Loads in the background, unless the entry is being loaded already. */
  refresh(request: LoadRequest, judged: string): void {
    if (this.#flights.has(request.keys.entry)) return;
    const budget = new Budget(request.policy.timeoutMs);
    this.#parts.tracing.aside(() => {
      const flight = this.#make(request, budget);
      this.#launch(flight, () => flight.refresh(judged));
    });
  }

  /** The outcome of the flight that is under way, if the caller may have it, or of a new one. */
  #share(caller: Caller, verdict: Verdict): Promise<Loaded | undefined> {
    const { request, budget } = caller;
    const flight = this.#flights.get(request.keys.entry);
    if (!flight || flight.isAlone || flight.isAborted) {
      const made = this.#make(request, budget);
      return this.#await(made, caller, () => made.load(verdict));
    }
    return flight.running.awaited(() => this.#shareWith(flight, caller));
  }

  async #shareWith(flight: Flight, caller: Caller): Promise<Loaded | undefined> {
    const { request, budget, signal } = caller;
    if (follows(flight, caller)) return flight.join(signal);
    await flight.progress.settled();
    if (follows(flight, caller)) return flight.join(signal);
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
  #await(flight: Flight, { signal }: Caller, start: () => Flight): Promise<Loaded | undefined> {
    return flight.running.awaited(() => this.#launch(flight, start).join(signal));
  }

  #launch(flight: Flight, start: () => Flight): Flight {
    this.#flights.set(flight.request.keys.entry, flight);
    return start();
  }

  #make(request: LoadRequest, budget: Budget): Flight {
    return new Flight(this.#parts, request, budget, this.#forget);
  }

  readonly #forget = (flight: Flight): void => {
    const key = flight.request.keys.entry;
    if (this.#flights.get(key) === flight) this.#flights.delete(key);
  };
}

/**
 * Whether the flight reads or loads after the caller's own read began: then its outcome reflects
 * everything that the caller may expect.
 */
function follows(flight: Flight, { moment, request }: Caller): boolean {
  return flight.progress.isAfter(moment) && !flight.isAborted && isFor(flight.request, request);
}

/**
 * Whether a load for `mine` is one for `request`, too. Callers with other dependencies, another stale
 * policy or another serializer must not share it.
 */
function isFor(mine: LoadRequest, { dependencies, policy, serializer }: LoadRequest): boolean {
  const isNamed = ({ label }: Dependency) =>
    mine.dependencies.all.some((dependency) => dependency.label === label);
  return (
    policy.staleForMs === mine.policy.staleForMs &&
    policy.failSafeMs === mine.policy.failSafeMs &&
    serializer.name === mine.serializer.name &&
    (dependencies === mine.dependencies || dependencies.all.every(isNamed))
  );
}
