import type { ClientRegistry } from '../connection/connections.js';
import { readServerMemory, type ServerMemory } from '../connection/server-memory.js';
import type { RedisClient } from '../connection/options/options.js';
import { withDeadline } from '../time/deadline.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { gauge } from './series.js';

/** Reads the memory of the servers at a scrape. */
export class MemoryMetrics {
  readonly exposed: readonly ExposedMetric[];
  readonly #registries: () => readonly ClientRegistry[];
  readonly #probes = new WeakMap<RedisClient, MemoryProbe>();

  constructor(registries: () => readonly ClientRegistry[]) {
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
    const connections = this.#registries().flatMap(({ connections }) => [...connections]);
    return Promise.all(
      connections.map(
        async ([name, { client }]) => [name, valueOf(await this.#probe(client).read())] as const,
      ),
    );
  }

  #probe(client: RedisClient): MemoryProbe {
    let probe = this.#probes.get(client);
    if (!probe) this.#probes.set(client, (probe = new MemoryProbe(client)));
    return probe;
  }
}

/** The shortest time between two questions, for all registries and scrapes together. */
const ASK_AGAIN_MS = 10_000;

/** How long a scrape waits. Prometheus gives up after 10 s and then drops the whole scrape. */
const PATIENCE_MS = 250;

/**
 * Reads the memory of one connection's server at most every 10 s, and waits at most 250 ms. After a late
 * answer it does not wait again until that answer has come, so a frozen server delays one scrape only.
 */
export class MemoryProbe {
  readonly #client: RedisClient;
  #askAgainAt = 0;
  #answering: Promise<void> | undefined;
  #latest: ServerMemory | undefined;
  #isLate = false;

  constructor(client: RedisClient) {
    this.#client = client;
  }

  /** @returns `undefined` if the memory is not known, or the latest answer is too old */
  async read(): Promise<ServerMemory | undefined> {
    if (this.#client.status !== 'ready') return undefined;
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
      this.#latest = await readServerMemory(this.#client);
      this.#isLate = false;
    } catch {
      // The memory stays unknown. The event of the failed command says why.
    } finally {
      this.#answering = undefined;
    }
  }
}
