import type { Redis, RedisOptions } from 'ioredis';
import { tlsFor } from '../options/tls-options.js';
import { sendQuietly } from './commands/quiet-command.js';
import { hideArguments } from './failures/command-failures.js';
import { asksSentinels, connectorOf, type ServerSocket } from './internals.js';
import { divertWarnings } from './wires/driver-warnings.js';
import { guardSockets } from './wires/follow-server.js';

/** Hears what a server pushes, in the order in which it arrives. */
export interface WireListener {
  changed(keys: string[]): void;
  flushed(): void;
  /** The connection is closed. Not called after {@link TrackingWire.destroy}. */
  closed(error: Error): void;
}

/** The channel on which a server tells a RESP2 connection which keys have changed. */
const CHANNEL = '__redis__:invalidate';

/**
 * One connection on which a server pushes which keys have changed: to the server that another client is
 * connected to now, with the same user and the same TLS. It connects once.
 *
 * It speaks RESP2 (docs/adr/0056). The pushes and the replies to {@link ping} come over one socket, so that
 * all pushes that the server sent before a reply are heard before it.
 *
 * @internal
 */
export class TrackingWire {
  readonly #redis: Redis;
  #listener: WireListener | undefined;
  #error: Error | undefined;

  /** Makes the client, which does not connect yet. */
  constructor(source: Redis, listener: WireListener) {
    this.#redis = twinOf(source);
    this.#listener = listener;
    // Not `message`, which joins the keys by commas.
    this.#redis.on('messageBuffer', (_channel: Buffer, message: unknown) => {
      this.#hear(message);
    });
    this.#redis.on('error', (error: Error) => {
      hideArguments(error);
      this.#error = error;
    });
    this.#redis.on('close', () => {
      this.#listener?.closed(this.#error ?? new Error('The connection was closed'));
      this.#listener = undefined;
    });
  }

  /** @throws the driver's error */
  async connect(): Promise<void> {
    await this.#redis.connect().catch((error: unknown) => {
      throw this.#error ?? error; // which says why
    });
  }

  /**
   * Asks the server to push the changes of all keys that begin with one of these prefixes. State and
   * channel are of one connection, and end together.
   *
   * @throws the driver's error
   */
  async track(prefixes: readonly string[]): Promise<void> {
    const redis = this.#redis;
    const id = String(await sendQuietly(redis, 'client', ['ID']));
    const wanted = prefixes.flatMap((prefix) => ['PREFIX', prefix]);
    await sendQuietly(redis, 'client', ['TRACKING', 'ON', 'REDIRECT', id, 'BCAST', ...wanted]);
    await redis.subscribe(CHANNEL);
  }

  /** Waits until the server answers: then all that it pushed before has been heard. */
  async ping(): Promise<void> {
    await sendQuietly(this.#redis, 'ping', []);
  }

  /**
   * Ends it without waiting for replies. Its listener hears nothing more.
   *
   * @returns when the socket is gone
   */
  destroy(): Promise<void> {
    this.#listener = undefined;
    const stream = this.#redis.stream as Redis['stream'] | undefined; // there is none before it connects
    this.#redis.disconnect();
    if (!stream || stream.closed) return Promise.resolve();
    const gone = new Promise<void>((resolve) => stream.once('close', resolve));
    stream.destroy();
    return gone;
  }

  /** A flush has no keys. Anything else was published by a client on this channel. */
  #hear(message: unknown): void {
    if (message === null) this.#listener?.flushed();
    else if (Array.isArray(message)) this.#listener?.changed(message.map(String));
  }
}

/** A client for the server that the given one is connected to, that does nothing by itself. */
function twinOf(source: Redis): Redis {
  const twin = source.duplicate({ ...targetOf(source), ...SETTINGS });
  leadToTheSame(twin, source.stream);
  divertWarnings(twin, () => undefined); // what is wrong with it is wrong with the source, too
  guardSockets(twin, (socket) => {
    socket.unref(); // the source keeps the process alive, if anything does
  });
  return twin;
}

const SETTINGS = {
  lazyConnect: true,
  protocol: 2,
  db: 0, // keys are pushed from all databases
  readOnly: false,
  monitor: false,
  enableReadyCheck: false,
  enableOfflineQueue: false,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  failoverDetector: false,
  reconnectOnError: null,
  retryStrategy: () => null,
} as const satisfies RedisOptions;

/** The address of the socket instead of the name: the name may have other addresses by now. */
function targetOf({ options, stream }: Redis): RedisOptions {
  const { remoteAddress, remotePort, servername } = stream as ServerSocket & Partial<Named>;
  if (options.path || remoteAddress === undefined || remotePort === undefined) return {};
  const name = servername || (options.sentinels ? undefined : options.host);
  const tls = options.tls && tlsFor(options.tls, name);
  return { host: remoteAddress, port: remotePort, ...(tls && { tls }) };
}

/** A socket over TLS. */
interface Named {
  /** The name by which the server was asked for its certificate. */
  readonly servername: string | false | null;
}

/** Makes a connector that would ask sentinels take the server that the source has from them. */
function leadToTheSame(twin: Redis, { remoteAddress, remotePort }: Redis['stream']): void {
  const connector = connectorOf(twin);
  if (!asksSentinels(connector) || remoteAddress === undefined || remotePort === undefined) return;
  connector.resolve = () => Promise.resolve({ host: remoteAddress, port: remotePort });
}
