import type { Connections } from '../connection/connections.js';
import type { ServerMemory } from '../connection/server-memory.js';
import type { RedisClient } from '../connection/options/options.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { gauge } from './gauge.js';
import { MemoryProbe } from './memory-probe.js';

/** The memory of the servers, asked of them when it is scraped. */
export class MemoryMetrics {
  readonly exposed: readonly ExposedMetric[];
  readonly #registries: () => readonly Connections[];
  readonly #probes = new WeakMap<RedisClient, MemoryProbe>();

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
