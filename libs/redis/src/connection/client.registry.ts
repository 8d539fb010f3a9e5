import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { awaitStartup } from './await-startup.js';
import { createClient } from './client.factory.js';
import { closeClient } from './close-client.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
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
  readonly #connections = new Map<string, Connection>();
  readonly #waitingForBoot: RedisClient[] = [];
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #firstClosers: (() => Promise<unknown>)[] = [];
  readonly #lastClosers: (() => void)[] = [];
  #closed = false;

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /**
   * Makes the client of a connection and, if its startup policy says so, holds the boot until it is
   * ready.
   *
   * @throws RedisConfigurationException if the name is taken
   * @throws RedisConnectionException and RedisAuthenticationException as the startup policy says, and
   * once anything was closed
   */
  async open(options: ResolvedRedisOptions): Promise<RedisClient> {
    return this.guard(() => {
      if (this.#closed) throw closedException(options);
      this.#claim(options.name);
      return this.#open(options);
    });
  }

  /**
   * Does a part of the boot. When it fails the boot has failed, and Nest will run no shutdown hook:
   * everything opened so far is closed. (What fails outside of this library cannot be seen here.)
   */
  async guard<T>(part: () => T | Promise<T>): Promise<T> {
    try {
      return await part();
    } catch (error) {
      await this.closeAll();
      throw error;
    }
  }

  /**
   * Connects what did not have to be connected earlier. Called when every provider has been made, so
   * that a boot that fails leaves nothing behind. A command sent before connects by itself.
   */
  connectInBackground(): void {
    for (const client of this.#waitingForBoot.splice(0)) {
      if (client.status === 'wait') connect(client);
    }
  }

  /** Makes the pool of dedicated connections beside a client. Opens nothing until one is asked for. */
  createPool(client: RedisClient, options: ResolvedRedisOptions): RedisPool {
    const pool = new RedisPool(client, options);
    const connection = this.#connections.get(options.name);
    if (connection?.client === client) this.#connections.set(options.name, { ...connection, pool });
    this.#closers.push(() => pool.close());
    return pool;
  }

  /** The connections opened by this registry that are not closed, by name. */
  get connections(): ReadonlyMap<string, Connection> {
    return this.#connections;
  }

  /** What still uses the connections while it closes. */
  closeFirst(close: () => Promise<unknown>): void {
    this.#firstClosers.push(close);
  }

  /** What watches the connections until they are closed; at once if they are. */
  closeLast(close: () => void): void {
    if (this.#closed) close();
    else this.#lastClosers.push(close);
  }

  /** Closes everything at once, its users first; takes as long as the longest shutdown deadline. */
  async closeAll(): Promise<void> {
    this.#closed = true;
    try {
      await Promise.all(this.#firstClosers.splice(0).map((close) => close()));
    } finally {
      this.#connections.clear();
      await Promise.all(this.#closers.splice(0).map((close) => close()));
      for (const close of this.#lastClosers.splice(0)) close();
    }
  }

  #claim(name: string): void {
    if (this.#names.has(name)) {
      const accepted = 'a name that no other RedisModule of this application uses';
      throw new RedisConfigurationException([{ setting: 'name', value: name, accepted }]);
    }
    this.#names.add(name);
  }

  async #open(options: ResolvedRedisOptions): Promise<RedisClient> {
    const client = createClient(options, this.#telemetry);
    this.#connections.set(options.name, { client, options });
    const unwatch = watchConnection(client, options, this.#telemetry);
    this.#closers.push(() => {
      unwatch();
      return closeClient(client, options.shutdownTimeoutMs);
    });
    if (options.startup === 'background') {
      this.#waitingForBoot.push(client);
    } else {
      const started = awaitStartup(client, options);
      connect(client);
      await started;
    }
    return client;
  }
}

/** A connection that is open, or on its way to be. */
export interface Connection {
  readonly client: RedisClient;
  readonly options: ResolvedRedisOptions;
  /** Its dedicated connections. */
  readonly pool?: RedisPool;
}

function closedException({ name, addresses }: ResolvedRedisOptions): RedisConnectionException {
  const message = `The connection "${name}" was not opened: the application is already closing.`;
  return new RedisConnectionException({ ...addresses[0], originalError: undefined, message });
}

/** ioredis retries by itself, and errors are announced. */
function connect(client: RedisClient): void {
  client.connect().catch(() => undefined);
}
