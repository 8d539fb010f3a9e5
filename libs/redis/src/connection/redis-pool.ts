import { printAddress } from '../errors/print-address.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import { RedisPoolExhaustedException } from '../errors/redis-pool-exhausted.exception.js';
import { connectionOf, type Connection } from './connection.js';
import type { DedicatedClient } from './driver/dedicated-client.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
import { sentenceOf } from './driver/failures/translate-error.js';

/** An idle dedicated connection is closed after this long, so that a burst does not stay open. */
const IDLE_MS = 30_000;

/** A dedicated connection, yours until you release it. */
export interface DedicatedConnection {
  readonly client: RedisClient;
  /**
   * Gives the connection back. Never throws; a second call does nothing. A connection left in
   * subscriber mode, inside MULTI, with unanswered commands or another database, name or user is
   * closed instead of reused.
   */
  release(): void;
}

/**
 * Dedicated connections, at most `maxConnections` at a time, for what must not share one: WATCH and
 * MULTI, blocking commands, subscribers. Waiting callers are served first come, first served.
 *
 * In a cluster each is a cluster client of its own, which opens a connection to the nodes it uses.
 *
 * @example
 * const [, job] = await pool.use((client) => client.blpop('jobs', 10)) ?? [];
 *
 * @publicApi
 */
export class RedisPool {
  readonly #connection: Connection;
  readonly #options: ResolvedRedisOptions;
  readonly #onOpen: (client: RedisClient) => void;
  readonly #inUse = new Set<DedicatedClient>();
  readonly #idle = new Map<DedicatedClient, NodeJS.Timeout>();
  readonly #waiting = new Set<Waiting>();
  #closed = false;

  /** @param onOpen told of each client before it connects */
  constructor(
    source: RedisClient,
    options: ResolvedRedisOptions,
    onOpen: (client: RedisClient) => void = () => undefined,
  ) {
    this.#connection = connectionOf(source);
    this.#options = options;
    this.#onOpen = onOpen;
  }

  /** How many dedicated connections callers hold now. */
  get inUse(): number {
    return this.#inUse.size;
  }

  /**
   * Lends a connection for the time of one function. No round trip of its own when an idle
   * connection is there.
   *
   * @throws RedisPoolExhaustedException after `acquireTimeout`
   * @throws whatever `work` throws
   */
  async use<T>(work: (client: RedisClient) => Promise<T>): Promise<T> {
    const connection = await this.acquire();
    try {
      return await work(connection.client);
    } finally {
      connection.release();
    }
  }

  /**
   * Lends a connection until `release` is called. Prefer {@link use}, which cannot forget to. With
   * `enableOfflineQueue: false` it is connected when it is lent.
   *
   * @throws RedisPoolExhaustedException after `acquireTimeout`
   * @throws RedisConnectionException once the application is closing; with `enableOfflineQueue: false`
   * also if the connection cannot be made
   * @throws RedisTimeoutException if it is not made within `acquireTimeout`
   */
  async acquire(): Promise<DedicatedConnection> {
    const start = performance.now();
    const dedicated = await this.#acquire().catch((error: unknown) => {
      this.#announceAcquire(start, error as Error);
      throw error;
    });
    this.#announceAcquire(start);
    let released = false;
    return {
      client: dedicated.client,
      release: () => {
        if (released) return;
        released = true;
        void this.#takeBack(dedicated);
      },
    };
  }

  /** Closes every connection; callers that wait get a RedisConnectionException. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const waiting of this.#waiting) waiting.fail(this.#closedException());
    const held = [...this.#idle.keys(), ...this.#inUse];
    for (const timer of this.#idle.values()) clearTimeout(timer);
    this.#idle.clear();
    this.#inUse.clear();
    await Promise.all(held.map(({ driven }) => driven.close(this.#options.shutdownTimeoutMs)));
  }

  async #acquire(): Promise<DedicatedClient> {
    if (this.#closed) throw this.#closedException();
    const start = performance.now();
    const dedicated = this.#takeIdle() ?? this.#openIfAllowed() ?? (await this.#waitForRelease());
    try {
      await this.#takesCommands(dedicated, start);
    } catch (error) {
      void this.#takeBack(dedicated);
      throw error;
    }
    return dedicated;
  }

  #takesCommands(dedicated: DedicatedClient, start: number): Promise<void> {
    const timeoutMs = this.#options.acquireTimeoutMs - (performance.now() - start);
    const connection = connectionOf(dedicated.client);
    return connection.run(() =>
      dedicated.takesCommands(timeoutMs, () =>
        connection.lateException({ operation: 'pool.acquire', timeoutMs }),
      ),
    );
  }

  #announceAcquire(start: number, error?: Error): void {
    const { name: connection, telemetry } = this.#connection;
    telemetry.announce({
      type: 'pool.acquire',
      connection,
      durationMs: performance.now() - start,
      inUse: this.inUse,
      ...(error && { error }),
    });
  }

  #takeIdle(): DedicatedClient | undefined {
    for (const [dedicated, timer] of this.#idle) {
      clearTimeout(timer);
      this.#idle.delete(dedicated);
      if (dedicated.client.status === 'ready') {
        this.#inUse.add(dedicated);
        return dedicated;
      }
      dedicated.driven.drop();
    }
    return undefined;
  }

  #openIfAllowed(): DedicatedClient | undefined {
    if (this.#inUse.size >= this.#options.maxConnections) return undefined;
    const dedicated = this.#connection.createDedicated(this.#options);
    this.#inUse.add(dedicated);
    this.#onOpen(dedicated.client);
    dedicated.connect();
    return dedicated;
  }

  #waitForRelease(): Promise<DedicatedClient> {
    const { acquireTimeoutMs } = this.#options;
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        clearTimeout(timer);
        this.#waiting.delete(waiting);
        act();
      };
      const waiting: Waiting = {
        serve: (dedicated) => {
          settle(() => {
            resolve(dedicated);
          });
        },
        fail: (error) => {
          settle(() => {
            reject(error);
          });
        },
      };
      const timer = setTimeout(() => {
        waiting.fail(this.#exhaustedException());
      }, acquireTimeoutMs);
      this.#waiting.add(waiting);
    });
  }

  async #takeBack(dedicated: DedicatedClient): Promise<void> {
    const clean = await dedicated.isClean();
    this.#inUse.delete(dedicated);
    if (this.#closed) return;
    const { name: connection, telemetry } = this.#connection;
    telemetry.announce({ type: 'pool.release', connection, inUse: this.inUse, reused: clean });
    if (clean) {
      this.#rest(dedicated);
    } else {
      dedicated.driven.drop();
    }
    const [next] = this.#waiting;
    const served = next && (this.#takeIdle() ?? this.#openIfAllowed());
    if (served) next.serve(served);
  }

  #rest(dedicated: DedicatedClient): void {
    const timer = setTimeout(() => {
      this.#idle.delete(dedicated);
      dedicated.driven.drop();
    }, IDLE_MS);
    timer.unref();
    this.#idle.set(dedicated, timer);
  }

  #exhaustedException(): RedisPoolExhaustedException {
    const { maxConnections, acquireTimeoutMs, addresses } = this.#options;
    const { failures, name: connection } = this.#connection;
    const failure = failures.behindSilence();
    const reason = failure && sentenceOf(failure, addresses[0]);
    const options = failure ? { connection, cause: failure.error } : { connection };
    return new RedisPoolExhaustedException(maxConnections, acquireTimeoutMs, reason, options);
  }

  #closedException(): RedisConnectionException {
    const [address] = this.#options.addresses;
    return new RedisConnectionException({
      ...address,
      connection: this.#connection.name,
      originalError: undefined,
      message: `The dedicated connections to ${printAddress(address)} are closed: the application is shutting down.`,
    });
  }
}

interface Waiting {
  serve(dedicated: DedicatedClient): void;
  fail(error: Error): void;
}
