import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { awaitStartup } from './await-startup.js';
import { openConnection, type Connection } from './connection.js';
import { ProcessHold } from './driver/process-hold.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
import { RedisPool } from './redis-pool.js';
import { watchConnection } from './watch-connection.js';

/** A connection that the application injects. A test may have replaced its client. */
export interface InjectedConnection {
  readonly client: RedisClient;
  readonly options: ResolvedRedisOptions;
  /** Its dedicated clients. */
  readonly pool: RedisPool;
}

/** A part of the application that uses a connection until it is closed: a cache. */
export interface ConnectionUser {
  /** The name that it is injected by. */
  readonly name: string;
  /** Whether it leaves Redis alone at the moment. */
  readonly isBypassed: boolean;
  /** Finishes what needs the connection. Does not throw. */
  close(): Promise<void>;
}

/**
 * Opens the connections of one application, and closes them in the reverse order of their making: first
 * what uses them, then pools and clients. A client that a test handed in stays open.
 *
 * @internal
 */
export class Connections {
  readonly #telemetry: Telemetry;
  readonly #hold = new ProcessHold();
  readonly #opened = new Map<string, OpenedConnection>();
  readonly #injected = new Map<string, InjectedConnection>();
  readonly #users: { readonly client: RedisClient; readonly user: ConnectionUser }[] = [];
  /** What was open when the first part of a connection was made, by the connection's name. */
  readonly #openBefore = new Map<string, ReadonlySet<OpenedConnection>>();
  #stage: 'booting' | 'connected' | 'up' | 'closed' = 'booting';
  #tellClosed: () => void = () => undefined;
  /** Fulfilled when every connection is closed. */
  readonly closed = new Promise<void>((resolve) => {
    this.#tellClosed = resolve;
  });

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
      if (this.#opened.has(options.name)) throw taken('name', options.name, FREE_CONNECTION_NAME);
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
    for (const { connection } of this.#opened.values()) {
      if (connection.client.status === 'wait') connect(connection.client);
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
    this.#injected.set(options.name, { client, pool, options });
    return pool;
  }

  /**
   * Notes a user of a client, which is closed before the client is.
   *
   * @throws RedisConfigurationException if another user of any connection has its name
   */
  use(client: RedisClient, user: ConnectionUser): void {
    const { name } = user;
    if (this.#users.some((other) => other.user.name === name)) {
      throw taken('RedisModule.forCache', name, FREE_CACHE_NAME);
    }
    this.#users.push({ client, user });
  }

  /** Every connection that is not closed, by name, whoever made its client. */
  get injected(): ReadonlyMap<string, InjectedConnection> {
    return this.#injected;
  }

  usersOf(client: RedisClient): ConnectionUser[] {
    return this.#users.filter((one) => one.client === client).map(({ user }) => user);
  }

  /** Closes everything, all connections at once; takes as long as the longest shutdown deadline. */
  async closeAll(): Promise<void> {
    this.#stage = 'closed';
    await this.#closeEverything();
  }

  async #closeSince(others: ReadonlySet<OpenedConnection>): Promise<void> {
    if (others.size === 0) return this.#closeEverything();
    const since = [...this.#opened.values()].filter((one) => !others.has(one));
    await Promise.all(since.map((one) => this.#close(one)));
  }

  async #closeEverything(): Promise<void> {
    try {
      await Promise.all(this.#users.splice(0).map(({ user }) => user.close()));
    } finally {
      const pools = [...this.#injected.values()].map(({ pool }) => pool.close());
      const clients = [...this.#opened.values()].map((one) => this.#close(one));
      await Promise.all([...pools, ...clients]);
      this.#injected.clear();
      this.#tellClosed();
    }
  }

  #openNow(): ReadonlySet<OpenedConnection> {
    return new Set([...this.#opened.values()].filter(({ isOpen }) => isOpen));
  }

  async #open(options: ResolvedRedisOptions): Promise<RedisClient> {
    const connection = openConnection(options, this.#telemetry);
    const { client } = connection;
    this.#hold.attach(client);
    const unwatch = watchConnection(connection, options);
    const opened: OpenedConnection = { connection, options, unwatch, isOpen: false };
    this.#opened.set(options.name, opened);
    try {
      if (options.startup !== 'background') {
        const started = this.#hold.during(awaitStartup(connection, options));
        connect(client);
        await started;
      } else if (this.#stage !== 'booting') {
        connect(client); // connectInBackground has been called already
      }
      opened.isOpen = true;
      return client;
    } catch (error) {
      await this.#close(opened);
      throw error;
    }
  }

  /** Closes a connection with its pool; its name is free again. */
  async #close(opened: OpenedConnection): Promise<void> {
    const { connection, options, unwatch } = opened;
    const { name, shutdownTimeoutMs } = options;
    if (this.#opened.get(name) !== opened) return;
    this.#opened.delete(name);
    const injected = this.#injected.get(name);
    this.#injected.delete(name);
    unwatch();
    await Promise.all([injected?.pool.close(), connection.close(shutdownTimeoutMs)]);
  }
}

/** A connection whose client this application has made. */
interface OpenedConnection {
  readonly connection: Connection;
  readonly options: ResolvedRedisOptions;
  /** Ends the announcements. */
  readonly unwatch: () => void;
  /** Whether its part of the boot is over. */
  isOpen: boolean;
}

const FREE_CONNECTION_NAME = 'a name that no other RedisModule of this application uses';

/** Two modules could otherwise each inject another cache under one name. */
const FREE_CACHE_NAME =
  'a name that no other cache and no connection of this application has; a cache that is ' +
  'declared once can be injected everywhere';

function taken(setting: string, value: string, accepted: string): RedisConfigurationException {
  return new RedisConfigurationException([{ setting, value, accepted }]);
}

function closedException({ name, addresses }: ResolvedRedisOptions): RedisConnectionException {
  const message = `The connection "${name}" was not opened: the application is already closing.`;
  return new RedisConnectionException({
    ...addresses[0],
    connection: name,
    originalError: undefined,
    message,
  });
}

/** Begins to connect. ioredis tries again by itself, and failures are announced. */
function connect(client: RedisClient): void {
  client.connect().catch(() => undefined);
}
