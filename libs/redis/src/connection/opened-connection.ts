import { printAddress } from '../errors/print-address.js';
import { RedisConnectionException } from '../errors/redis-connection.exception.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { withDeadline } from '../time/deadline.js';
import { openConnection, type Connection } from './connection.js';
import { recordFailure } from './driver/failures/command-failures.js';
import { explainFailure, sentenceOf } from './driver/failures/explain-failure.js';
import { noConnection } from './driver/failures/translate-error.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';

/**
 * Opens and closes one connection of an application: holds the boot until Redis is ready, if the startup
 * policy says so, and announces when the connection is lost and when it is back.
 *
 * @internal
 */
export class OpenedConnection {
  readonly connection: Connection;
  readonly options: ResolvedRedisOptions;
  /** Whether it was opened as its startup policy says. */
  hasStarted = false;
  readonly #endWatch: () => void;

  /** Makes the client, which does not connect yet. */
  constructor(options: ResolvedRedisOptions, telemetry: Telemetry) {
    this.connection = openConnection(options, telemetry);
    this.options = options;
    this.#endWatch = this.#watch();
  }

  get client(): RedisClient {
    return this.connection.client;
  }

  /** Begins to connect. ioredis repeats a failed attempt by itself, and failures are announced. */
  connect(): void {
    this.client.connect().catch(() => undefined);
  }

  /**
   * Connects and waits until Redis is ready, as the policies `wait` and `require` say.
   *
   * @throws RedisConnectionException if Redis is not ready in time and the policy is `require`; at once
   * if waiting would not help: a certificate that is not accepted, a name that the sentinels do not
   * know, a server of another kind
   * @throws RedisAuthenticationException at once if Redis or the sentinels refuse the credentials
   */
  async start(): Promise<void> {
    const { client, options } = this;
    let lastError: Error | undefined;
    let stopListening = (): void => undefined;

    const outcome = new Promise<Outcome>((resolve, reject) => {
      const onReady = () => {
        resolve('ready');
      };
      const onEnd = () => {
        resolve('closed'); // by this library, because another part of the boot failed
      };
      const onError = (error: Error) => {
        lastError = error;
        if (this.connection.failures.arePermanent) reject(this.#refusedException(error));
      };
      client.on('ready', onReady).on('end', onEnd).on('error', onError);
      stopListening = () => client.off('ready', onReady).off('end', onEnd).off('error', onError);
    });
    this.connect();
    try {
      const reached = await withDeadline<Outcome>(outcome, options.startupTimeoutMs, () => 'late');
      if (reached !== 'ready' && options.startup === 'require') {
        throw this.#notReadyException(reached, lastError);
      }
    } finally {
      stopListening();
    }
  }

  /** Closes it on purpose, which is not announced. Never throws. */
  close(): Promise<void> {
    this.#endWatch();
    return this.connection.close(this.options.shutdownTimeoutMs);
  }

  /**
   * Announces when the connection is lost and when it is back: once each, however often the client tries
   * to connect in between.
   *
   * @returns a function that ends the announcements
   */
  #watch(): () => void {
    const { client, name: connection, telemetry, failures } = this.connection;
    const { addresses, connectTimeoutMs } = this.options;
    const endpoint = addresses.map(printAddress).join(',');
    let state: 'new' | 'ready' | 'down' = 'new';

    const onReady = () => {
      const restored = state === 'down';
      state = 'ready';
      telemetry.announce({ type: 'connection.ready', connection, endpoint, restored });
    };
    const goDown = (error?: Error) => {
      if (state === 'down') return;
      state = 'down';
      const why = error && { error };
      telemetry.announce({ type: 'connection.down', connection, endpoint, ...why });
    };
    const onError = (error: Error) => {
      const [address] = addresses;
      const reason = failures.worst;
      recordFailure(error, { connection, address, timeoutMs: connectTimeoutMs, reason });
      goDown(error);
    };
    const onClose = () => {
      if (state === 'ready') goDown();
    };
    client.on('ready', onReady).on('error', onError).on('close', onClose);
    return () => {
      client.off('ready', onReady).off('error', onError).off('close', onClose);
    };
  }

  /** The exception where waiting would not help. */
  #refusedException(error: Error) {
    const { name: connection, failures } = this.connection;
    const [address] = this.options.addresses;
    return noConnection({ error, connection, address }, failures.worst);
  }

  #notReadyException(outcome: Outcome, error: Error | undefined): RedisConnectionException {
    const { name: connection, failures } = this.connection;
    const { addresses, startupTimeoutMs } = this.options;
    const [configured] = addresses;
    const failure = failures.worst;
    const { host, port } = failure?.address ?? configured;
    const when = outcome === 'late' ? `within ${startupTimeoutMs} ms` : 'before it was closed';
    const why = failure
      ? sentenceOf(failure, configured)
      : `There was no answer from ${printAddress({ host, port })}. Is the server running, and is the address right?`;
    return new RedisConnectionException({
      host,
      port,
      connection,
      originalError: error,
      ...(failure && { reason: explainFailure(failure).code }),
      message:
        `Redis was not ready ${when}, and startup is 'require'. ${why} ` +
        "With 'wait' or 'background' the application starts without Redis.",
    });
  }
}

type Outcome = 'ready' | 'closed' | 'late';
