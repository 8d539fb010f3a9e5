import { Module, type DynamicModule } from '@nestjs/common';
import { register, type Registry, type RegistryContentType } from 'prom-client';
import { Connections } from '../connection/connections.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { RedisCoreModule } from '../nest/redis-core.module.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { RegistryMetrics } from './registry-metrics.js';

export interface RedisMetricsOptions {
  /**
   * Where the metrics are registered.
   * @default prom-client's global registry, the one that `PrometheusModule` serves
   */
  readonly registry?: AnyRegistry | undefined;
}

type AnyRegistry = Registry<RegistryContentType>;

const REGISTRY = Symbol('nestjs-redis-data:metrics-registry');
const REGISTERED = Symbol('nestjs-redis-data:metrics-registered');

/**
 * Registers metrics about the connections and caches of this application. A scrape reads them, and sends
 * at most one `INFO memory` per connection (in a cluster to each primary) every 10 s; nothing else is sent.
 * When the application closes, the series of its connections leave the registry. The metrics leave it, too,
 * unless another application still uses them.
 *
 * @example
 * imports: [PrometheusModule.register(), RedisModule.forRoot({}), RedisMetricsModule]
 *
 * @throws RedisConfigurationException at boot if the registry already has another metric with one of
 * these names
 *
 * @publicApi
 */
@Module({
  imports: [RedisCoreModule],
  providers: [
    { provide: REGISTRY, useValue: register },
    {
      provide: REGISTERED,
      inject: [REGISTRY, Telemetry, Connections],
      useFactory: (registry: AnyRegistry, telemetry: Telemetry, clients: Connections) =>
        clients.guard(REGISTERED.toString(), () => {
          void clients.closed.then(RegistryMetrics.of(registry).add({ telemetry, clients }));
          return true;
        }),
    },
  ],
})
export class RedisMetricsModule {
  /** Registers the metrics in a registry of your own. */
  static forRoot(options: RedisMetricsOptions = {}): DynamicModule {
    refuseUnknownOptions(options, { registry: true }, 'RedisMetricsModule: ');
    const { registry = register } = options;
    return {
      module: RedisMetricsModule,
      providers: [{ provide: REGISTRY, useValue: registry }],
    };
  }
}
