import { Connections } from '../../../src/connection/connections.js';
import type { RedisClient, RedisModuleOptions } from '../../../src/connection/options/options.js';
import type { RedisPool } from '../../../src/connection/redis-pool.js';
import { resolveOptions } from '../../../src/connection/options/resolve-options.js';
import { Telemetry } from '../../../src/telemetry/telemetry.js';
import type { ConnectionEvent } from '../../../src/telemetry/connection.events.js';

export interface OpenConnection {
  readonly client: RedisClient;
  readonly pool: RedisPool;
  readonly telemetry: Telemetry;
  /** Everything announced so far. */
  readonly events: readonly ConnectionEvent[];
  /** The next announcement of this type, or one that was already made. */
  until(type: ConnectionEvent['type'], times?: number): Promise<void>;
  close(): Promise<void>;
}

/** A connection as the module would open it, without Nest. */
export async function openConnection(options: RedisModuleOptions): Promise<OpenConnection> {
  const telemetry = new Telemetry();
  const events: ConnectionEvent[] = [];
  const subscribe = (handler: (event: ConnectionEvent) => void) =>
    telemetry.subscribe({
      'connection.ready': handler,
      'connection.down': handler,
      'connection.replaced': handler,
      'connection.warning': handler,
    });
  subscribe((event) => events.push(event));
  const registry = new Connections(telemetry);
  const resolved = resolveOptions({ startup: 'require', ...options });
  const client = await registry.open(resolved);
  registry.connectInBackground();
  registry.applicationIsUp();
  return {
    client,
    pool: registry.createPool(client, resolved),
    telemetry,
    events,
    until: (type, times = 1) =>
      new Promise((resolve) => {
        const check = () => {
          if (events.filter((event) => event.type === type).length < times) return;
          unsubscribe();
          resolve();
        };
        const unsubscribe = subscribe(check);
        check();
      }),
    close: () => registry.closeAll(),
  };
}
