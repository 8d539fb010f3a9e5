import { ClientRegistry } from '../../../src/connection/client.registry.js';
import type { RedisClient, RedisModuleOptions } from '../../../src/connection/options/options.js';
import type { RedisPool } from '../../../src/connection/redis-pool.js';
import { resolveOptions } from '../../../src/connection/options/resolve-options.js';
import { Telemetry, type RedisEvent } from '../../../src/telemetry/telemetry.js';

export interface OpenConnection {
  readonly client: RedisClient;
  readonly pool: RedisPool;
  /** Everything announced so far. */
  readonly events: readonly RedisEvent[];
  /** The next announcement of this type, or one that was already made. */
  until(type: RedisEvent['type'], times?: number): Promise<void>;
  close(): Promise<void>;
}

/** A connection as the module would open it, without Nest. */
export async function openConnection(options: RedisModuleOptions): Promise<OpenConnection> {
  const telemetry = new Telemetry();
  const events: RedisEvent[] = [];
  telemetry.subscribe((event) => events.push(event));
  const registry = new ClientRegistry(telemetry);
  const resolved = resolveOptions({ startup: 'require', ...options });
  const client = await registry.open(resolved);
  registry.connectInBackground();
  return {
    client,
    pool: registry.createPool(client, resolved),
    events,
    until: (type, times = 1) =>
      new Promise((resolve) => {
        const check = () => {
          if (events.filter((event) => event.type === type).length < times) return;
          unsubscribe();
          resolve();
        };
        const unsubscribe = telemetry.subscribe(check);
        check();
      }),
    close: () => registry.closeAll(),
  };
}
