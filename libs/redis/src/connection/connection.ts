/**
 * @module connection Connections to Redis. `Connections` opens and closes those of an application, each as
 * an `OpenedConnection`; a `Connection` owns what belongs to one client, and a `RedisPool` lends dedicated
 * clients. `options/` resolves what a connection is made from, `driver/` is the only part that knows
 * ioredis, but for the check of its options.
 */
import { RedisException } from '../errors/redis.exception.js';
import {
  RedisTimeoutException,
  type RedisTimeoutFacts,
} from '../errors/redis-timeout.exception.js';
import { Operations, type Operator } from '../telemetry/operations.js';
import { Telemetry } from '../telemetry/telemetry.js';
import {
  contextOf,
  createClient,
  createDedicatedClient,
  type ServerStage,
} from './driver/create-client.js';
import type { DedicatedClient } from './driver/dedicated-client.js';
import { DrivenClient } from './driver/driven-client.js';
import { failureOf, type CommandFailure } from './driver/failures/command-failures.js';
import type { ConnectionFailures } from './driver/failures/connection-failures.js';
import { sentenceOf } from './driver/failures/explain-failure.js';
import { translateError } from './driver/failures/translate-error.js';
import { Recovery } from './driver/recovery/recovery.js';
import type { RedisAddress, RedisClient, ResolvedRedisOptions } from './options/options.js';
import { resolveOptions } from './options/resolve-options.js';

/** The class of an object of which each connection has one, made when it is first asked for. */
export type PartOfConnection<T> = new (connection: Connection) => T;

/**
 * Owns what belongs to one client: its name, its events, its exceptions, and the parts that other modules
 * add ({@link part}). {@link connectionOf} finds the connection of a client.
 *
 * @internal
 */
export class Connection {
  readonly client: RedisClient;
  readonly name: string;
  readonly telemetry: Telemetry;
  readonly commandTimeoutMs: number;
  /** Why the client is not connected. Always empty for a client that the library did not make. */
  readonly failures: ConnectionFailures;
  /** Called with each companion before it connects. */
  onCompanion: (client: RedisClient) => void = () => undefined;
  readonly #driven: DrivenClient;
  readonly #recovery: Recovery | undefined;
  readonly #options: ResolvedRedisOptions;
  readonly #companions = new Set<DedicatedClient>();
  readonly #parts = new Map<PartOfConnection<unknown>, unknown>();

  constructor(driven: DrivenClient, context: ConnectionContext) {
    const { options, telemetry, recovery } = context;
    this.client = driven.client;
    this.failures = driven.failures;
    this.name = options.name;
    this.commandTimeoutMs = options.commandTimeoutMs;
    this.telemetry = telemetry;
    this.#driven = driven;
    this.#recovery = recovery;
    this.#options = options;
  }

  /**
   * The one `Kind` of this connection, which everything that uses the client shares: coalesced reads, the
   * outbox of the caches, leases to give back.
   */
  part<T>(Kind: PartOfConnection<T>): T {
    const known = this.#parts.get(Kind) as T | undefined;
    if (known !== undefined) return known;
    const made = new Kind(this);
    this.#parts.set(Kind, made);
    return made;
  }

  /**
   * Does work that sends commands.
   *
   * @throws RedisException the translation of a driver error
   * @throws the error itself if it is neither the driver's nor ours: a mistake in the program
   */
  async run<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw this.exceptionOf(error);
    }
  }

  /**
   * Translates the error that a command was rejected with. The caller has to know that the error comes
   * from this client: nothing is recorded with the errors of a client that the library did not make.
   *
   * @throws the error itself if it is neither the driver's nor ours: a mistake in the program
   */
  exceptionOf(error: unknown): RedisException {
    if (error instanceof RedisException) return error;
    const exception = translateError(error, failureOf(error) ?? this.#failureBehind(error));
    if (!exception) throw error;
    return exception;
  }

  /**
   * Makes the exception of a caller whose own deadline is shorter than that of commands. If there is no
   * connection, its message says why: then Redis could not answer.
   */
  lateException(facts: Omit<RedisTimeoutFacts, 'reason' | 'connection'>): RedisTimeoutException {
    const connection = this.name;
    const failure = this.failures.behindSilence(facts.key);
    if (!failure) return new RedisTimeoutException(facts, { connection });
    const reason = sentenceOf(failure, this.#address);
    return new RedisTimeoutException({ ...facts, reason }, { connection, cause: failure.error });
  }

  /** Announces the operations of one part of the library on this connection. */
  operations(operator: Operator): Operations {
    return new Operations(operator, this.name, this.telemetry);
  }

  /** Makes a further client like this one, for exclusive use. It does not connect yet. */
  createDedicated(options: ResolvedRedisOptions, perServer?: ServerStage): DedicatedClient {
    const { telemetry } = this;
    const recovery = this.#recovery ?? new Recovery(options, telemetry);
    const context = { options, telemetry, recovery };
    const dedicated = createDedicatedClient(this.client, context, perServer);
    register(new Connection(dedicated.driven, context));
    return dedicated;
  }

  /**
   * Makes a further client like this one for the library's own use. It does not connect yet, and is closed
   * with this one.
   *
   * @param perServer makes a stage of the connection to each server
   */
  createCompanion(perServer: ServerStage): DedicatedClient {
    const companion = this.createDedicated(this.#options, perServer);
    const drop = () => {
      companion.driven.drop();
    };
    this.#companions.add(companion);
    this.client.once('end', drop); // a client that the library did not make is closed without its help
    companion.client.once('end', () => {
      this.#companions.delete(companion);
      this.client.off('end', drop);
    });
    this.onCompanion(companion.client);
    return companion;
  }

  /**
   * Waits for the replies that are on their way, then closes the client and its companions. Never throws.
   *
   * @param deadlineMs how long it waits for replies
   */
  close(deadlineMs: number): Promise<void> {
    if (this.#companions.size === 0) return this.#driven.close(deadlineMs);
    const all = [this.#driven, ...[...this.#companions].map(({ driven }) => driven)];
    return Promise.all(all.map((driven) => driven.close(deadlineMs))).then(() => undefined);
  }

  /** The facts for an error that no supervised command was rejected with. */
  #failureBehind(error: unknown): CommandFailure {
    const { client } = this;
    const timeoutMs = ('nodes' in client ? undefined : client.options.commandTimeout) ?? 0;
    const reason = this.failures.behind(error);
    return { connection: this.name, address: this.#address, timeoutMs, reason };
  }

  get #address(): RedisAddress {
    if ('nodes' in this.client) return { host: 'cluster', port: 0 };
    const { path, host = 'localhost', port = 6379 } = this.client.options;
    return path ? { host: path, port: 0 } : { host, port };
  }
}

interface ConnectionContext {
  readonly options: ResolvedRedisOptions;
  readonly telemetry: Telemetry;
  /** Absent for a client that the library did not make. */
  readonly recovery?: Recovery;
}

const connections = new WeakMap<RedisClient, Connection>();

/**
 * The connection of a client. A client that the library did not make gets one, too; its events have no
 * listener.
 *
 * @internal
 */
export function connectionOf(client: RedisClient): Connection {
  return connections.get(client) ?? register(new Connection(new DrivenClient(client), FOREIGN));
}

/**
 * Makes a connection and its client. The client does not connect yet.
 *
 * @internal
 */
export function openConnection(options: ResolvedRedisOptions, telemetry: Telemetry): Connection {
  const context = contextOf(options, telemetry);
  return register(new Connection(createClient(context), context));
}

function register(connection: Connection): Connection {
  connections.set(connection.client, connection);
  return connection;
}

const FOREIGN: ConnectionContext = { options: resolveOptions({}), telemetry: new Telemetry() };
