import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { awaitStartup } from './await-startup.js';
import { createClient } from './client.factory.js';
import { closeClient } from './close-client.js';
import type { RedisClient, ResolvedRedisOptions } from './options.js';
import { RedisPool } from './redis-pool.js';
import { watchConnection } from './watch-connection.js';

/**
 * The connections that one application opened. What it did not open (a client handed in by a test)
 * it does not close.
 *
 * @internal
 */
export class ClientRegistry {
  readonly #telemetry: Telemetry;
  readonly #names = new Set<string>();
  readonly #closers: (() => Promise<void>)[] = [];

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /**
   * Opens a connection and holds the boot as its startup policy says. When that fails, the boot has
   * failed, and Nest will run no shutdown hook: everything opened so far is closed.
   *
   * @throws RedisConfigurationException if the name is taken
   * @throws RedisConnectionException and RedisAuthenticationException as the startup policy says
   */
  async open(options: ResolvedRedisOptions): Promise<RedisClient> {
    try {
      this.#claim(options.name);
      return await this.#open(options);
    } catch (error) {
      await this.closeAll();
      throw error;
    }
  }

  /** Makes the pool of dedicated connections beside a client. Opens nothing until one is asked for. */
  createPool(client: RedisClient, options: ResolvedRedisOptions): RedisPool {
    const pool = new RedisPool(client, options);
    this.#closers.push(() => pool.close());
    return pool;
  }

  /** Closes everything, what was opened last first; within the shutdown deadline of each. */
  async closeAll(): Promise<void> {
    for (const close of this.#closers.splice(0).reverse()) await close();
    this.#names.clear();
  }

  #claim(name: string): void {
    if (this.#names.has(name)) {
      const accepted = 'a name that no other RedisModule of this application uses';
      throw new RedisConfigurationException([{ setting: 'name', value: name, accepted }]);
    }
    this.#names.add(name);
  }

  async #open(options: ResolvedRedisOptions): Promise<RedisClient> {
    const client = createClient(options);
    const unwatch = watchConnection(client, options, this.#telemetry);
    this.#closers.push(() => {
      unwatch();
      return closeClient(client, options.shutdownTimeoutMs);
    });
    const started = awaitStartup(client, options);
    client.connect().catch(() => undefined); // it retries by itself; errors are announced
    await started;
    return client;
  }
}
