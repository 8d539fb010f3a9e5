import type { ClientRegistry, Connection } from '../connection/client.registry.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { gauge } from './gauge.js';

/** The state of the connections and of their pools, looked at when it is asked for. */
export class ConnectionMetrics {
  readonly exposed: readonly ExposedMetric[];

  constructor(registries: () => readonly ClientRegistry[]) {
    const read = (valueOf: (connection: Connection) => number | undefined) => () =>
      registries().flatMap(({ connections }) =>
        [...connections].map(([name, connection]) => [name, valueOf(connection)] as const),
      );
    this.exposed = [
      gauge(DEFINITIONS.connectionUp, read(isUp)),
      gauge(
        DEFINITIONS.poolInUse,
        read(({ pool }) => pool?.inUse),
      ),
      gauge(
        DEFINITIONS.poolLimit,
        read(({ pool, options }) => pool && options.maxConnections),
      ),
    ];
  }
}

function isUp({ client }: Connection): number {
  return client.status === 'ready' ? 1 : 0;
}
