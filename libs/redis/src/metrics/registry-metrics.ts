import type { Metric, Registry, RegistryContentType } from 'prom-client';
import type { Connections } from '../connection/connections.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import type { RedisEventHandlers, Telemetry } from '../telemetry/telemetry.js';
import { CacheMetrics } from './cache-metrics.js';
import { CommandMetrics } from './command-metrics.js';
import { ConnectionMetrics } from './connection-metrics.js';
import type { ExposedMetric } from './exposed-metric.js';
import { MemoryMetrics } from './memory-metrics.js';
import { NearMetrics } from './near-metrics.js';

/** The parts of an application that metrics are made of. */
export interface WatchedApplication {
  readonly telemetry: Telemetry;
  readonly clients: Connections;
}

/**
 * Holds the metrics of one registry for all applications of this process that use it: a registry takes
 * each name once. Counts stay until the last application closes, because Prometheus takes a falling counter
 * for a restart. A gauge of a connection disappears together with the connection.
 */
export class RegistryMetrics {
  readonly #registry: AnyRegistry;
  readonly #applications = new Map<Telemetry, Watch>();
  readonly #metrics: readonly ExposedMetric[];
  readonly #handlers: RedisEventHandlers;

  /** The metrics of this registry, made at the first call. */
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
      ...new NearMetrics(registries).exposed,
      ...new MemoryMetrics(registries).exposed,
    ];
  }

  /**
   * Starts to watch an application. Several calls for one application watch it once.
   *
   * @returns a function that ends this call's watch
   * @throws RedisConfigurationException if the registry already has another metric with one of our names
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

  /** Runs again for each application, because a registry can be cleared. */
  #register(): void {
    const missing = this.#metrics.filter((metric) => this.#owner(metric) !== metric);
    const taken = missing.filter((metric) => this.#owner(metric) !== undefined);
    if (taken.length > 0) throw new RedisConfigurationException(taken.map(problemOf));
    // prom-client's types accept its own four classes only; `ExposedMetric` has all members that it uses.
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

/** A registry for Prometheus's or OpenMetrics's format. */
type AnyRegistry = Registry<RegistryContentType>;

interface Watch {
  readonly clients: Connections;
  readonly unsubscribe: () => void;
  users: number;
}

const metricsByRegistry = new WeakMap<AnyRegistry, RegistryMetrics>();

function problemOf({ registeredName }: ExposedMetric) {
  const accepted = 'a registry without another metric of this name';
  return { setting: 'RedisMetricsModule', value: registeredName, accepted };
}
