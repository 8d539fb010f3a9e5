import type { Connections, InjectedConnection } from '../connection/connections.js';
import type { RedisEventHandlers } from '../telemetry/telemetry.js';
import { DEFINITIONS } from './definitions.js';
import type { ExposedMetric } from './exposed-metric.js';
import { Counter, gauge } from './series.js';

/** Counts replaced connections, and reads the state of connections and pools at each scrape. */
export class ConnectionMetrics {
  readonly #replacements = new Counter(DEFINITIONS.connectionReplacements);

  readonly exposed: readonly ExposedMetric[];

  readonly handlers: RedisEventHandlers = {
    'connection.replaced': ({ connection, reason }) => {
      this.#replacements.add(1, connection, reason.replaceAll('-', '_'));
    },
  };

  constructor(registries: () => readonly Connections[]) {
    const read = (valueOf: (connection: InjectedConnection) => number) => () =>
      registries().flatMap(({ injected }) =>
        [...injected].map(([name, connection]) => [name, valueOf(connection)] as const),
      );
    this.exposed = [
      gauge(DEFINITIONS.connectionUp, read(isUp)),
      this.#replacements.exposed,
      gauge(
        DEFINITIONS.poolInUse,
        read(({ pool }) => pool.inUse),
      ),
      gauge(
        DEFINITIONS.poolLimit,
        read(({ options }) => options.maxConnections),
      ),
    ];
  }
}

function isUp({ client }: InjectedConnection): number {
  return client.status === 'ready' ? 1 : 0;
}
