import type { Connections } from '../connection/connections.js';
import type { NearState } from '../telemetry/near-state.js';
import { DEFINITIONS, type MetricDefinition } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { Counter, gauge } from './series.js';

/** A near copy of one of the applications. */
interface Copy {
  /** Stays the same while its application is open. */
  readonly owner: object;
  readonly connection: string;
  readonly cache: string;
  readonly state: NearState;
}

/** Reads the state of near copies at each scrape. A read that one serves costs nothing more. */
export class NearMetrics {
  readonly #copies: () => readonly Copy[];
  readonly #requests = this.#counter(DEFINITIONS.nearRequests);
  readonly #evictions = this.#counter(DEFINITIONS.nearEvictions);
  readonly #confirmations = this.#counter(DEFINITIONS.nearUnverified);
  readonly #pushes = this.#counter(DEFINITIONS.nearPushes);
  /** The states of the latest scrape. */
  #counted: ReadonlyMap<object, NearState> = new Map();

  readonly exposed: readonly ExposedMetric[];

  constructor(registries: () => readonly Connections[]) {
    this.#copies = () => registries().flatMap(copiesIn);
    this.exposed = [
      this.#requests.exposed,
      this.#evictions.exposed,
      this.#confirmations.exposed,
      gauge(DEFINITIONS.nearEntries, () =>
        this.#copies().map(({ cache, state }) => [cache, state.entries] as const),
      ),
      gauge(DEFINITIONS.nearBytes, () =>
        this.#copies().map(({ cache, state }) => [cache, state.bytes] as const),
      ),
      this.#pushes.exposed,
      gauge(DEFINITIONS.nearArmed, () => this.#ofLinks((state) => Number(state.isArmed))),
      gauge(DEFINITIONS.nearProofAge, () =>
        this.#ofLinks(({ proofAgeMs }) =>
          Number.isFinite(proofAgeMs) ? proofAgeMs / 1_000 : undefined,
        ),
      ),
    ];
  }

  #counter(definition: MetricDefinition): Counter {
    return new Counter(definition, () => {
      this.#count();
    });
  }

  /**
   * Adds to the counts what has come since the latest scrape. The counts of a copy end with its application,
   * and Prometheus takes a falling counter for a restart.
   */
  #count(): void {
    const counted = new Map<object, NearState>();
    const pushes = new Map<string, number>();
    for (const { owner, connection, cache, state } of this.#copies()) {
      counted.set(owner, state);
      const since = (name: 'hits' | 'misses' | 'evictions' | 'unverified' | 'pushes') => {
        const before = this.#counted.get(owner)?.[name] ?? 0;
        return state[name] < before ? state[name] : state[name] - before;
      };
      this.#requests.add(since('hits'), cache, 'hit');
      this.#requests.add(since('misses'), cache, 'miss');
      this.#evictions.add(since('evictions'), cache);
      this.#confirmations.add(since('unverified'), cache);
      // The caches of a connection share its links.
      pushes.set(connection, Math.max(pushes.get(connection) ?? 0, since('pushes')));
    }
    for (const [connection, count] of pushes) this.#pushes.add(count, connection);
    this.#counted = counted;
  }

  /** The links of a connection are opened by the first read of one of its copies. */
  #ofLinks(valueOf: (state: NearState) => number | undefined) {
    return this.#copies().map(({ connection, state }) => {
      const isOpen = state.isArmed || state.reason !== undefined;
      return [connection, isOpen ? valueOf(state) : undefined] as const;
    });
  }
}

function copiesIn(clients: Connections): Copy[] {
  return [...clients.injected].flatMap(([connection, { client }]) =>
    clients.usersOf(client).flatMap((owner) => {
      const { name: cache, near: state } = owner;
      return state ? [{ owner, connection, cache, state }] : [];
    }),
  );
}
