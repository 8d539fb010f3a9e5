import type { Metric, Registry, RegistryContentType } from 'prom-client';
import type { Connections } from '../connection/connections.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import type { RedisEventHandlers, Telemetry } from '../telemetry/telemetry.js';
import { CacheMetrics } from './cache-metrics.js';
import { CommandMetrics } from './command-metrics.js';
import { ConnectionMetrics } from './connection-metrics.js';
import type { ExposedMetric } from './exposed-metric.js';
import { MemoryMetrics } from './memory-metrics.js';

/** What is watched of one application. */
export interface WatchedApplication {
  readonly telemetry: Telemetry;
  readonly clients: Connections;
}

/**
 * The metrics in one registry, shared by all applications of the process that use it: a name can be
 * registered once. What was counted stays until the last of them closes, because a counter that falls
 * is taken for one that began anew; what is read from a connection goes with it.
 */
export class RegistryMetrics {
  readonly #registry: AnyRegistry;
  readonly #applications = new Map<Telemetry, Watch>();
  readonly #metrics: readonly ExposedMetric[];
  readonly #handlers: RedisEventHandlers;

  /** Those of a registry, which are made when they are first asked for. */
  static of(registry: AnyRegistry): RegistryMetrics {
    let metrics = metricsByRegistry.get(registry);
    if (!metrics) metricsByRegistry.set(registry, (metrics = new RegistryMetrics(registry)));
    return metrics;
  }

  private constructor(registry: AnyRegistry) {
    this.#registry = registry;
    const registries = () => [...this.#applications.values()].map(({ clients }) => clients);
    const commands = new CommandMetrics();
    const connections = new ConnectionMetrics(registries);
    const caches = new CacheMetrics();
    this.#handlers = { ...commands.handlers, ...connections.handlers, ...caches.handlers };
    this.#metrics = [
      ...commands.exposed,
      ...connections.exposed,
      ...caches.exposed,
      ...new MemoryMetrics(registries).exposed,
    ];
  }

  /**
   * Begins to watch an application. One that asks several times is watched once.
   *
   * @returns a function that ends it
   * @throws RedisConfigurationException if somebody else has a metric of one of our names
   */
  add({ telemetry, clients }: WatchedApplication): () => void {
    this.#register();
    const watch = this.#applications.get(telemetry) ?? {
      clients,
      unsubscribe: telemetry.subscribe(this.#handlers),
      users: 0,
    };
    watch.users++;
    this.#applications.set(telemetry, watch);
    return () => {
      if (--watch.users > 0) return;
      watch.unsubscribe();
      this.#applications.delete(telemetry);
      if (this.#applications.size === 0) this.#remove();
    };
  }

  /** Again for each application: a registry can be cleared. */
  #register(): void {
    const missing = this.#metrics.filter((metric) => this.#owner(metric) !== metric);
    const taken = missing.filter((metric) => this.#owner(metric) !== undefined);
    if (taken.length > 0) throw new RedisConfigurationException(taken.map(problemOf));
    // prom-client's types name its own four classes; what it asks a metric for is `ExposedMetric`.
    for (const metric of missing) this.#registry.registerMetric(metric as unknown as Metric);
  }

  #remove(): void {
    metricsByRegistry.delete(this.#registry);
    for (const metric of this.#metrics) {
      if (this.#owner(metric) === metric) this.#registry.removeSingleMetric(metric.registeredName);
    }
  }

  #owner({ registeredName }: ExposedMetric): unknown {
    return this.#registry.getSingleMetric(registeredName);
  }
}

/** For either format. */
type AnyRegistry = Registry<RegistryContentType>;

interface Watch {
  readonly clients: Connections;
  readonly unsubscribe: () => void;
  users: number;
}

const metricsByRegistry = new WeakMap<AnyRegistry, RegistryMetrics>();

function problemOf({ registeredName }: ExposedMetric) {
  const accepted = 'a registry in which nobody else has a metric of this name';
  return { setting: 'RedisMetricsModule', value: registeredName, accepted };
}
