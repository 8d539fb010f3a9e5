import type { Redis } from 'ioredis';
import type { RedisAddress } from '../../options/options.js';
import type { ConnectionFailures } from '../failures/connection-failures.js';
import {
  CLOSED_BY_SERVER,
  IS_SENTINEL,
  OTHER_ROLE,
  SILENT,
  type ConnectionFailure,
} from '../failures/explain-failure.js';
import { connectorOf, DRIVER_SAYS, isClosedOnPurpose, type ServerSocket } from '../internals.js';

/** Where a connection leads: to a server, or to a sentinel that is asked for one. */
export interface Hop {
  readonly hop: ConnectionFailure['hop'];
  /** The name under which its failures are kept. */
  readonly server: string;
  readonly address?: RedisAddress;
}

/** The one server of a client. Its address is the one that was configured, so the failure names none. */
export const SERVER: Hop = { hop: 'server', server: 'server' };

/**
 * Notes why the connection to one server, or to one sentinel, fails.
 *
 * @internal
 */
export function followServer(redis: Redis, failures: ConnectionFailures, hop: Hop): Progress {
  const progress = new Progress(redis);
  const connector = connectorOf(redis);
  const note = (error: Error) => {
    if (isClosedOnPurpose(redis)) return; // what its end looks like is no reason
    progress.error = error;
    failures.note(hop.server, { error: withCodeIfLate(error), phase: progress.phase, ...hop });
  };
  guardSockets(redis, (socket) => {
    progress.begin();
    progress.observe(socket, () => {
      if (!progress.error) note(withCode('The server closed the connection', CLOSED_BY_SERVER));
    });
  });
  const check = connector.check.bind(connector);
  connector.check = (info) => {
    if (progress.error) return false; // SELECT was refused, and ioredis goes on
    if ((info.redis_mode ?? info.server_mode) === 'sentinel') {
      redis.emit('error', withCode('The server is a sentinel', IS_SENTINEL));
      return false;
    }
    const fits = check(info);
    if (!fits) note(withCode('The sentinels named a server that has another role', OTHER_ROLE));
    return fits;
  };
  redis.on('error', (error: Error) => {
    // Each sentinel that did not help has been noted by itself.
    const isOfSentinels =
      failures.has('sentinel') || error.message.startsWith(DRIVER_SAYS.noSentinel);
    if (hop === SERVER && isOfSentinels) progress.error = error;
    else note(error);
  });
  return progress;
}

/**
 * Listens to the errors of a connection's sockets after the first, which ioredis does not: a socket whose
 * certificate was not accepted may have another one, and the process would end of it.
 *
 * @param onSocket is given each socket before anything has happened to it
 */
export function guardSockets(redis: Redis, onSocket?: (socket: ServerSocket) => void): void {
  const connector = connectorOf(redis);
  const connect = connector.connect.bind(connector);
  connector.connect = (...args) => {
    const connecting = connect(...args);
    connecting.then(
      (socket) => {
        socket.on('error', () => undefined);
        onSocket?.(socket);
      },
      () => undefined, // an `error` event follows
    );
    return connecting;
  };
}

/** Gives a code to errors of what was not answered: they have none, and their words fit anything. */
export function withCodeIfLate(error: Error): Error {
  const isLate =
    error.message === DRIVER_SAYS.commandLate || error.message === DRIVER_SAYS.slotsLate;
  return isLate ? withCode('No answer in time', SILENT, error) : error;
}

function withCode(message: string, code: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}

/** How far one connection has come. */
export class Progress {
  #isAccepted = false;
  #isEncrypted = false;
  readonly #redis: Redis;
  /** The failure of this attempt. */
  error: Error | undefined;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  begin(): void {
    this.#isAccepted = false;
    this.#isEncrypted = false;
    this.error = undefined;
  }

  observe(socket: ServerSocket, onClose: () => void): void {
    if (socket.destroyed) return; // it never was one
    this.#isEncrypted = socket.encrypted === true;
    socket.once('connect', () => {
      this.#isAccepted = true;
    });
    socket.once('close', onClose);
  }

  get phase(): ConnectionFailure['phase'] {
    const { status } = this.#redis;
    if (status === 'ready') return 'working';
    if (status === 'connect') return this.#isEncrypted ? 'greeting over TLS' : 'greeting';
    return this.#isAccepted && this.#isEncrypted ? 'handshake' : 'connecting';
  }
}
