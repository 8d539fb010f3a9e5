import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { awaitStartup } from './await-startup.js';
import { createClient } from './driver/create-client.js';
import { closeClient } from './driver/close-client.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
import { ProcessHold } from './driver/process-hold.js';
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
  readonly #hold = new ProcessHold();
  readonly #opened = new Map<string, OpenedClient>();
  readonly #connections = new Map<string, Connection>();
  /** What was open when the first part of a connection was made, by the connection's name. */
  readonly #openBefore = new Map<string, ReadonlySet<OpenedClient>>();
  readonly #firstClosers: (() => Promise<unknown>)[] = [];
  readonly #lastClosers: (() => void)[] = [];
  #stage: 'booting' | 'connected' | 'up' | 'closed' = 'booting';

  constructor(telemetry: Telemetry) {
    this.#telemetry = telemetry;
  }

  /**
   * Makes the client of a connection and, if its startup policy says so, holds the boot until it is
   * ready.
   *
   * @throws RedisConfigurationException if the name is taken
   * @throws RedisConnectionException and RedisAuthenticationException as the startup policy says, and
   * once all was closed
   */
  async open(options: ResolvedRedisOptions): Promise<RedisClient> {
    return this.guard(options.name, () => {
      if (this.#stage === 'closed') throw closedException(options);
      this.#refuseTaken(options.name);
      return this.#open(options);
    });
  }

  /**
   * Does a part of the boot, or of what is loaded later. When it fails while the application boots, the
   * boot has failed, and Nest will run no shutdown hook: what was opened since the connection's first
   * part began is closed. What was open before belongs to others, and so does everything once the
   * application is up: a module that is loaded then may fail alone. (What fails outside of this library
   * cannot be seen here; it is why nothing keeps the process alive until the application is up.)
   *
   * @param name the connection that it is a part of
   */
  async guard<T>(name: string, part: () => T | Promise<T>): Promise<T> {
    const others = this.#openBefore.get(name) ?? this.#openNow();
    this.#openBefore.set(name, others);
    try {
      return await part();
    } catch (error) {
      this.#openBefore.delete(name);
      if (this.#stage === 'booting' || this.#stage === 'connected') await this.#closeSince(others);
      throw error;
    }
  }

  /**
   * Connects what did not have to be connected earlier. Called when every provider has been made, so
   * that a boot that fails leaves nothing behind. A command sent before connects by itself.
   */
  connectInBackground(): void {
    if (this.#stage !== 'booting') return;
    this.#stage = 'connected';
    for (const { client } of this.#opened.values()) {
      if (client.status === 'wait') connect(client);
    }
  }

  /** The application is up: its connections keep the process alive, until they are closed. */
  applicationIsUp(): void {
    if (this.#stage === 'closed') return;
    this.#stage = 'up';
    this.#hold.applicationIsUp();
  }

  /** Makes the pool of dedicated connections beside a client. Opens nothing until one is asked for. */
  createPool(client: RedisClient, options: ResolvedRedisOptions): RedisPool {
    const pool = new RedisPool(client, options, (dedicated) => {
      this.#hold.attach(dedicated);
    });
    this.#connections.set(options.name, { client, pool, options });
    return pool;
  }

  /** Every connection that is not closed, by name, whoever made its client. */
  get connections(): ReadonlyMap<string, Connection> {
    return this.#connections;
  }

  /** What still uses the connections while it closes. */
  closeFirst(close: () => Promise<unknown>): void {
    this.#firstClosers.push(close);
  }

  /** What watches the connections until they are closed; at once if they are. */
  closeLast(close: () => void): void {
    if (this.#stage === 'closed') close();
    else this.#lastClosers.push(close);
  }

  /** Closes everything at once, its users first; takes as long as the longest shutdown deadline. */
  async closeAll(): Promise<void> {
    this.#stage = 'closed';
    await this.#closeEverything();
  }

  async #closeSince(others: ReadonlySet<OpenedClient>): Promise<void> {
    if (others.size === 0) return this.#closeEverything();
    const since = [...this.#opened.values()].filter((one) => !others.has(one));
    await Promise.all(since.map((one) => this.#close(one)));
  }

  async #closeEverything(): Promise<void> {
    try {
      await Promise.all(this.#firstClosers.splice(0).map((close) => close()));
    } finally {
      const pools = [...this.#connections.values()].map(({ pool }) => pool.close());
      const clients = [...this.#opened.values()].map((one) => this.#close(one));
      await Promise.all([...pools, ...clients]);
      this.#connections.clear();
      for (const close of this.#lastClosers.splice(0)) close();
    }
  }

  #openNow(): ReadonlySet<OpenedClient> {
    return new Set([...this.#opened.values()].filter(({ isOpen }) => isOpen));
  }

  #refuseTaken(name: string): void {
    if (!this.#opened.has(name)) return;
    const accepted = 'a name that no other RedisModule of this application uses';
    throw new RedisConfigurationException([{ setting: 'name', value: name, accepted }]);
  }

  async #open(options: ResolvedRedisOptions): Promise<RedisClient> {
    const client = createClient(options, this.#telemetry);
    this.#hold.attach(client);
    const unwatch = watchConnection(client, options, this.#telemetry);
    const opened: OpenedClient = { client, options, unwatch, isOpen: false };
    this.#opened.set(options.name, opened);
    try {
      if (options.startup !== 'background') {
        const started = this.#hold.during(awaitStartup(client, options));
        connect(client);
        await started;
      } else if (this.#stage !== 'booting') {
        connect(client); // nobody will call connectInBackground again
      }
      opened.isOpen = true;
      return client;
    } catch (error) {
      await this.#close(opened);
      throw error;
    }
  }

  /** With its pool; the name is free again. */
  async #close(opened: OpenedClient): Promise<void> {
    const { client, options, unwatch } = opened;
    if (this.#opened.get(options.name) !== opened) return;
    this.#opened.delete(options.name);
    const connection = this.#connections.get(options.name);
    this.#connections.delete(options.name);
    unwatch();
    await Promise.all([connection?.pool.close(), closeClient(client, options.shutdownTimeoutMs)]);
  }
}

/** A client that this application has opened. */
interface OpenedClient {
  readonly client: RedisClient;
  readonly options: ResolvedRedisOptions;
  /** Ends the announcements. */
  readonly unwatch: () => void;
  /** Whether its part of the boot is over. */
  isOpen: boolean;
}

/** A connection that is open, or on its way to be. */
export interface Connection {
  readonly client: RedisClient;
  readonly options: ResolvedRedisOptions;
  /** Its dedicated connections. */
  readonly pool: RedisPool;
}

function closedException({ name, addresses }: ResolvedRedisOptions): RedisConnectionException {
  const message = `The connection "${name}" was not opened: the application is already closing.`;
  return new RedisConnectionException({ ...addresses[0], originalError: undefined, message });
}

/** ioredis retries by itself, and errors are announced. */
function connect(client: RedisClient): void {
  client.connect().catch(() => undefined);
}
