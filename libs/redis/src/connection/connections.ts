import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import type { NearState } from '../telemetry/near-state.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { ProcessHold } from './driver/process-hold.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
import { OpenedConnection } from './opened-connection.js';
import { RedisPool } from './redis-pool.js';

/** A connection that the application injects. Its client may be one that a test has handed in. */
export interface InjectedConnection {
  readonly client: RedisClient;
  readonly options: ResolvedRedisOptions;
  /** Its dedicated clients. */
  readonly pool: RedisPool;
}

/** A user of a connection, closed before it: a cache. */
export interface ConnectionUser {
  /** The name that it is injected by. */
  readonly name: string;
  /** Whether it does without Redis at the moment. */
  readonly isBypassed: boolean;
  /** The state of its near copy; absent without one. */
  readonly near?: NearState | undefined;
  /** Finishes what needs the connection. Does not throw. */
  close(): Promise<void>;
}

/**
 * Opens and closes the connections of one application. Closes first what uses them, then pools and
 * clients. A client that a test has handed in stays open.
 *
 * @internal
 */
export class Connections {
  readonly #telemetry: Telemetry;
  readonly #hold = new ProcessHold();
  readonly #opened = new Map<string, OpenedConnection>();
  readonly #injected = new Map<string, InjectedConnection>();
  readonly #users: { readonly client: RedisClient; readonly user: ConnectionUser }[] = [];
  /** By the name of a connection: what was open when its first step began. */
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
   * Makes the client of a connection and, if its startup policy says so, holds the boot until Redis is
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

  async #open(options: ResolvedRedisOptions): Promise<RedisClient> {
    const opened = new OpenedConnection(options, this.#telemetry);
    this.#hold.attach(opened.client);
    opened.connection.onCompanion = (companion) => {
      this.#hold.attach(companion);
    };
    this.#opened.set(options.name, opened);
    try {
      if (options.startup !== 'background') {
        await this.#hold.during(opened.start());
      } else if (this.#stage !== 'booting') {
        opened.connect(); // connectInBackground has been called already
      }
      opened.hasStarted = true;
      return opened.client;
    } catch (error) {
      await this.#close(opened);
      throw error;
    }
  }

  /**
   * Does one step of making a connection or what belongs to it. If the step fails while the application
   * boots, the boot has failed, and Nest runs no shutdown hook: everything that was opened since the
   * connection's first step is closed. What was open before belongs to other modules and stays open. A
   * step that fails once the application is up closes nothing: a module that is loaded later may fail
   * alone. (A failure outside of this library is not seen here. The process ends by itself then,
   * because nothing keeps it alive until the application is up.)
   *
   * @param name the connection that the step belongs to
   */
  async guard<T>(name: string, step: () => T | Promise<T>): Promise<T> {
    const others = this.#openBefore.get(name) ?? this.#openNow();
    this.#openBefore.set(name, others);
    try {
      return await step();
    } catch (error) {
      this.#openBefore.delete(name);
      if (this.#stage === 'booting' || this.#stage === 'connected') await this.#closeSince(others);
      throw error;
    }
  }

  #openNow(): ReadonlySet<OpenedConnection> {
    return new Set([...this.#opened.values()].filter(({ hasStarted }) => hasStarted));
  }

  async #closeSince(others: ReadonlySet<OpenedConnection>): Promise<void> {
    if (others.size === 0) return this.#closeEverything();
    const since = [...this.#opened.values()].filter((one) => !others.has(one));
    await Promise.all(since.map((one) => this.#close(one)));
  }

  /**
   * Connects every client that is not connected yet. Called when every provider has been made, so that a
   * boot that fails leaves no connection behind. A command that is sent earlier connects by itself.
   */
  connectInBackground(): void {
    if (this.#stage !== 'booting') return;
    this.#stage = 'connected';
    for (const opened of this.#opened.values()) {
      if (opened.client.status === 'wait') opened.connect();
    }
  }

  /** Lets the connections keep the process alive from now on, until they are closed. */
  applicationIsUp(): void {
    if (this.#stage === 'closed') return;
    this.#stage = 'up';
    this.#hold.applicationIsUp();
  }

  /** Makes the pool of dedicated connections of a client. It opens none until one is asked for. */
  createPool(client: RedisClient, options: ResolvedRedisOptions): RedisPool {
    const pool = new RedisPool(client, options, (dedicated) => {
      this.#hold.attach(dedicated);
    });
    this.#injected.set(options.name, { client, pool, options });
    return pool;
  }

  /**
   * Notes a user of a client. It is closed before the client.
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

  /** Every connection that is not closed, by name; also those whose client a test has handed in. */
  get injected(): ReadonlyMap<string, InjectedConnection> {
    return this.#injected;
  }

  /** The users of a client. */
  usersOf(client: RedisClient): ConnectionUser[] {
    return this.#users.filter((one) => one.client === client).map(({ user }) => user);
  }

  /** Closes all connections at the same time, which takes at most the longest `shutdownTimeout`. */
  async closeAll(): Promise<void> {
    this.#stage = 'closed';
    await this.#closeEverything();
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

  /** Closes a connection with its pool; its name is free again. */
  async #close(opened: OpenedConnection): Promise<void> {
    const { name } = opened.options;
    if (this.#opened.get(name) !== opened) return;
    this.#opened.delete(name);
    const injected = this.#injected.get(name);
    this.#injected.delete(name);
    await Promise.all([injected?.pool.close(), opened.close()]);
  }
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
