import { connectionOf, type Connection } from '../connection/connection.js';
import type { Connections } from '../connection/connections.js';
import { readServerMemory, type ServerMemory } from '../connection/server-memory.js';
import { withDeadline } from '../time/deadline.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { gauge } from './series.js';

/** Reads the memory of the servers at a scrape. */
export class MemoryMetrics {
  readonly exposed: readonly ExposedMetric[];
  readonly #registries: () => readonly Connections[];

  constructor(registries: () => readonly Connections[]) {
    this.#registries = registries;
    this.exposed = [
      gauge(DEFINITIONS.memoryUsed, () => this.#read((memory) => memory?.usedBytes)),
      gauge(DEFINITIONS.memoryLimit, () => this.#read((memory) => memory?.limitBytes)),
      gauge(DEFINITIONS.memoryEvicts, () =>
        this.#read((memory) => memory && Number(memory.evicts)),
      ),
    ];
  }

  #read(valueOf: (memory: ServerMemory | undefined) => number | undefined) {
    const connections = this.#registries().flatMap(({ injected }) => [...injected]);
    return Promise.all(
      connections.map(async ([name, { client }]) => {
        const memory = await connectionOf(client).part(MemoryProbe).read();
        return [name, valueOf(memory)] as const;
      }),
    );
  }
}

/** The shortest time between two questions, for all registries and scrapes together. */
const ASK_AGAIN_MS = 10_000;

/** How long a scrape waits. Prometheus gives up after 10 s and then drops the whole scrape. */
const PATIENCE_MS = 250;

/**
 * Reads the memory of a connection's server at most every 10 s, and waits at most 250 ms. After a late
 * answer it does not wait again until that answer has come, so a frozen server delays one scrape only.
 */
export class MemoryProbe {
  readonly #connection: Connection;
  #askAgainAt = 0;
  #answering: Promise<void> | undefined;
  #latest: ServerMemory | undefined;
  #isLate = false;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** @returns `undefined` if the memory is not known, or the latest answer is too old */
  async read(): Promise<ServerMemory | undefined> {
    if (this.#connection.client.status !== 'ready') return undefined;
    if (!this.#answering && performance.now() >= this.#askAgainAt) this.#answering = this.#ask();
    if (this.#answering && !this.#isLate) {
      await withDeadline(this.#answering, PATIENCE_MS, () => {
        this.#isLate = true;
      });
    }
    return this.#latest;
  }

  async #ask(): Promise<void> {
    this.#askAgainAt = performance.now() + ASK_AGAIN_MS;
    this.#latest = undefined;
    try {
      this.#latest = await readServerMemory(this.#connection);
      this.#isLate = false;
    } catch {
      // The memory stays unknown. The event of the failed command says why.
    } finally {
      this.#answering = undefined;
    }
  }
}
