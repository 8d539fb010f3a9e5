/**
 * @module connection Connections to Redis and what belongs to each: its client, its dedicated clients, its
 * failures, its exceptions. `options/` resolves what a connection is made from, `driver/` is the only
 * place that knows ioredis.
 */
import { RedisException } from '../errors/redis.exception.js';
import {
  RedisTimeoutException,
  type RedisTimeoutFacts,
} from '../errors/redis-timeout.exception.js';
import type { OperationEvent } from '../telemetry/operation.events.js';
import { Telemetry } from '../telemetry/telemetry.js';
import {
  contextOf,
  createClient,
  createDedicatedClient,
  type ClientContext,
} from './driver/create-client.js';
import type { DedicatedClient } from './driver/dedicated-client.js';
import { DrivenClient } from './driver/driven-client.js';
import { failureOf, type CommandFailure } from './driver/failures/command-failures.js';
import type { ConnectionFailures } from './driver/failures/connection-failures.js';
import { sentenceOf, translateError } from './driver/failures/translate-error.js';
import { Recovery } from './driver/recovery/recovery.js';
import type { RedisAddress, RedisClient, ResolvedRedisOptions } from './options/options.js';
import { DEFAULT_CONNECTION } from './options/resolve-options.js';

/** An object of which each connection has one, made when it is first asked for. */
export type PartOfConnection<T> = new (connection: Connection) => T;

/**
 * Owns what belongs to one client: its name, its events, its exceptions, and the parts that other modules
 * add ({@link part}). {@link connectionOf} finds it.
 *
 * @internal
 */
export class Connection {
  readonly client: RedisClient;
  readonly name: string;
  readonly telemetry: Telemetry;
  readonly commandTimeoutMs: number;
  /** Why there is no connection. Always empty for a client that the library did not make. */
  readonly failures: ConnectionFailures;
  readonly #driven: DrivenClient;
  readonly #recovery: Recovery | undefined;
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
  }

  /**
   * The one `Kind` of this connection. Everything that uses the client shares it: coalesced reads, the
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
   * The exception that a rejected command becomes. The caller knows that the error comes from Redis: the
   * client may be a plain ioredis client, whose errors carry no facts.
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
   * The exception of a caller whose own deadline is shorter than that of commands. Its message says so if
   * the connection is not there: then Redis could not answer.
   */
  lateException(facts: Omit<RedisTimeoutFacts, 'reason' | 'connection'>): RedisTimeoutException {
    const connection = this.name;
    const failure = this.failures.behindSilence(facts.key);
    if (!failure) return new RedisTimeoutException(facts, { connection });
    const reason = sentenceOf(failure, this.#address);
    return new RedisTimeoutException({ ...facts, reason }, { connection, cause: failure.error });
  }

  /** Announces operations of one part of the library on this connection. */
  operations(operator: Operator): Operations {
    return new Operations(this, operator);
  }

  /** A further client like this one, for exclusive use. It does not connect yet. */
  createDedicated(options: ResolvedRedisOptions): DedicatedClient {
    const { telemetry } = this;
    const recovery = this.#recovery ?? new Recovery(options, telemetry);
    const context = { options, telemetry, recovery };
    const dedicated = createDedicatedClient(this.client, context);
    register(new Connection(dedicated.driven, context));
    return dedicated;
  }

  /**
   * Waits for the replies that are on their way, then closes the client. Never throws.
   *
   * @param deadlineMs how long it waits for replies
   */
  close(deadlineMs: number): Promise<void> {
    return this.#driven.close(deadlineMs);
  }

  /** What is known of an error that no supervised command was rejected with. */
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

/** What a connection is made with; a client that the library did not make has no recovery. */
type ConnectionContext = Omit<ClientContext, 'options' | 'recovery'> & {
  readonly options: Pick<ResolvedRedisOptions, 'name' | 'commandTimeoutMs'>;
  readonly recovery?: Recovery;
};

const connections = new WeakMap<RedisClient, Connection>();

/**
 * The connection of a client. A client that the library did not make gets one, whose events have no
 * listener.
 *
 * @internal
 */
export function connectionOf(client: RedisClient): Connection {
  return connections.get(client) ?? register(new Connection(new DrivenClient(client), FOREIGN));
}

/**
 * Makes the client of a connection. It does not connect yet.
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

const FOREIGN: ConnectionContext = {
  options: { name: DEFAULT_CONNECTION, commandTimeoutMs: 5_000 }, // the default of a connection
  telemetry: new Telemetry(),
};

/** A part of the library that does something for its caller: the facts of all its operations. */
type Operator = OperationEvent extends infer Event
  ? Event extends OperationEvent
    ? Omit<Event, 'connection' | 'operation' | 'durationMs' | 'error'>
    : never
  : never;

/**
 * Announces the operations of one part of the library on one connection.
 *
 * @internal
 */
export class Operations {
  readonly #connection: Connection;
  readonly #operator: Operator;

  constructor(connection: Connection, operator: Operator) {
    this.#connection = connection;
    this.#operator = operator;
  }

  /** Does the work. Without a listener this costs no more than the call. */
  run<T>(operation: string, work: () => Promise<T>): Promise<T> {
    return this.#connection.telemetry.hears(this.#operator.type)
      ? this.#announce(operation, work)
      : work();
  }

  async #announce<T>(operation: string, work: () => Promise<T>): Promise<T> {
    const start = performance.now();
    try {
      const result = await work();
      this.#end(operation, start);
      return result;
    } catch (error) {
      this.#end(operation, start, { error });
      throw error;
    }
  }

  #end(operation: string, start: number, outcome?: { error: unknown }): void {
    const { name: connection, telemetry } = this.#connection;
    const durationMs = performance.now() - start;
    telemetry.announce({ ...this.#operator, connection, operation, durationMs, ...outcome });
  }
}
