import type { Socket } from 'node:net';
import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { isError } from '../../../errors/is-error.js';
import type { ConnectionWarning } from '../../../telemetry/connection.events.js';
import type { DrivenClient } from '../driven-client.js';
import { addressOf, splitAddress } from '../primaries.js';
import type { RedisAddress } from '../../options/options.js';
import type { ConnectionFailures } from '../failures/connection-failures.js';
import { divertWarnings } from './driver-warnings.js';
import {
  CLOSED_BY_SERVER,
  IS_SENTINEL,
  OTHER_ROLE,
  SILENT,
  type ConnectionFailure,
} from '../failures/explain-failure.js';

/**
 * Remembers why a client does not get its connection, for the exceptions that come of it: ioredis
 * rejects what waits with words that are the same whatever was wrong, drops what sentinels and the nodes
 * of a cluster failed with, and says nothing at all of some failures. To be called before it connects.
 *
 * Two mistakes would otherwise look like success, and become failures here: a sentinel in the place of
 * a server, and a database that the server does not have, instead of which commands would go to 0.
 *
 * @internal
 */
export function followFailures({ client, failures }: DrivenClient, warn: Warn): void {
  if ('nodes' in client) {
    followCluster(client, failures, warn);
  } else {
    followServer(client, failures, SERVER);
    forgetWhenReady(client, failures, SERVER);
    followSentinels(client, failures, warn);
  }
}

/** Announces that a connection is not as it was configured. */
type Warn = (about: ConnectionWarning['about']) => void;

/** Of a connection that is made to reach a server, or to ask a sentinel. */
interface Hop {
  readonly hop: ConnectionFailure['hop'];
  /** The name under which its failures are kept. */
  readonly server: string;
  readonly address?: RedisAddress;
}

/** What is connected to is named by who configured it. */
const SERVER: Hop = { hop: 'server', server: 'server' };

/** The parts of ioredis's connectors, private in its types, that know what nobody else is told. */
interface Connector {
  connect(...args: unknown[]): Promise<ServerSocket>;
  check(info: { redis_mode?: string }): boolean;
  /** Of sentinels. */
  connectToSentinel?(endpoint: Partial<RedisAddress>, options?: object): Redis;
  /** Of sentinels: the server that one of them names, or `null`. */
  resolve?(endpoint: Partial<RedisAddress>): Promise<unknown>;
}

type ServerSocket = Socket & { encrypted?: boolean };

/** ioredis rejects with it what it has told an `error` listener the reason of. */
const CLOSED = 'Connection is closed.';

/** Of a command with which a connection is set up, or a sentinel is asked. */
const COMMAND_LATE = 'Command timed out';

/** Of the question for the slots of a cluster. */
const SLOTS_LATE = 'timeout';

/** ioredis says so, too, when it has not asked any, because the last one that it asked was the last. */
const NO_SENTINEL = 'All sentinels are unreachable';

/** How far one connection has come. */
class Progress {
  #isAccepted = false;
  #isEncrypted = false;
  readonly #redis: Redis;
  /** What this attempt has failed with. */
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

function followServer(redis: Redis, failures: ConnectionFailures, hop: Hop): Progress {
  const progress = new Progress(redis);
  const { connector } = redis as unknown as { connector: Connector };
  const note = (error: Error) => {
    if (isDropped(redis)) return; // what its end looks like is no reason
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
    if (info.redis_mode === 'sentinel') {
      redis.emit('error', withCode('The server is a sentinel', IS_SENTINEL));
      return false;
    }
    const fits = check(info);
    if (!fits) note(withCode('The sentinels named a server that has another role', OTHER_ROLE));
    return fits;
  };
  redis.on('error', (error: Error) => {
    // Each sentinel that did not help has been noted by itself.
    const isOfSentinels = failures.has('sentinel') || error.message.startsWith(NO_SENTINEL);
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
function guardSockets(redis: Redis, onSocket?: (socket: ServerSocket) => void): void {
  const { connector } = redis as unknown as { connector: Connector };
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

function forgetWhenReady(redis: Redis, failures: ConnectionFailures, { server }: Hop): void {
  redis.on('ready', () => {
    failures.forgetHop('sentinel');
    failures.forget(server);
  });
}

/** ioredis closes it on purpose. */
function isDropped(redis: Redis): boolean {
  return (redis as unknown as { manuallyClosing?: boolean }).manuallyClosing === true;
}

function followSentinels(redis: Redis, failures: ConnectionFailures, warn: Warn): void {
  const { connector } = redis as unknown as { connector: Connector };
  const connectToSentinel = connector.connectToSentinel?.bind(connector);
  const resolve = connector.resolve?.bind(connector);
  if (!connectToSentinel || !resolve) return; // there are none
  let progress: Progress | undefined;

  connector.connectToSentinel = (endpoint, options) => {
    // With options it is the detector of failovers: a sentinel that it misses is no failure of ours.
    if (options) {
      const detector = connectToSentinel(endpoint, options);
      guardSockets(detector);
      divertWarnings(detector, warn);
      return detector;
    }
    const sentinel = connectToSentinel(endpoint, { lazyConnect: true });
    divertWarnings(sentinel, warn);
    progress = followServer(sentinel, failures, hopTo(endpoint));
    return sentinel;
  };
  connector.resolve = async (endpoint) => {
    const hop = hopTo(endpoint);
    const note = (error: Error) => {
      failures.note(hop.server, { error, phase: progress?.phase ?? 'connecting', ...hop });
    };
    try {
      const found = await resolve(endpoint);
      if (found) failures.forgetHop('sentinel');
      else note(new Error('No server that can be used is known to the sentinel'));
      return found;
    } catch (error) {
      if ((error as Error).message !== CLOSED) note(withCodeIfLate(error as Error));
      throw error;
    }
  };
}

function hopTo({ host = 'localhost', port = 26_379 }: Partial<RedisAddress>): Hop {
  return { hop: 'sentinel', server: `sentinel ${host}:${port}`, address: { host, port } };
}

function followCluster(cluster: Cluster, failures: ConnectionFailures, warn: Warn): void {
  const askers = new Map<string, Progress>();
  let lastAsked = '';

  cluster.on('+node', (node: Redis) => {
    const server = addressOf(node);
    const { host = '', port = 0 } = node.options;
    const hop: Hop = { hop: 'server', server, address: { host, port } };
    followServer(node, failures, hop);
    forgetWhenReady(node, failures, hop);
    const duplicate = node.duplicate.bind(node);
    node.duplicate = (override?: Partial<RedisOptions>) => {
      const twin = duplicate(override);
      if (override?.connectionName?.startsWith('ioredis-cluster(refresher)')) {
        divertWarnings(twin, warn);
        askers.set(server, followServer(twin, failures, hop));
        lastAsked = server;
      }
      return twin;
    };
  });
  cluster.on('node error', (error: Error, server: string) => {
    const { error: known, phase = 'connecting' } = askers.get(server) ?? {};
    if (error.message === CLOSED || error === failures.of(server)?.error) return;
    if (error.message === SLOTS_LATE && known) return;
    const address = splitAddress(server);
    failures.note(server, { error: withCodeIfLate(error), phase, hop: 'server', address });
  });
  // One node after the other is asked for the slots, until one answers.
  cluster.on('refresh', () => {
    const nodes = new Set(cluster.nodes().map(addressOf));
    nodes.delete(lastAsked);
    failures.forgetAllBut(nodes);
    for (const server of askers.keys()) {
      if (!nodes.has(server)) askers.delete(server);
    }
  });
  guardSubscriber(cluster, warn);
  // A name that cannot be resolved makes ioredis try again without an event.
  const connect = cluster.connect.bind(cluster);
  cluster.connect = () => {
    const connecting = connect();
    connecting.catch((error: unknown) => {
      if (!isError(error) || !('code' in error)) return;
      failures.note('names', { error, phase: 'connecting', hop: 'server' });
      cluster.emit('error', error);
    });
    return connecting;
  };
}

/** It is made of a node's options, by no method that could be overridden. */
function guardSubscriber(cluster: Cluster, warn: Warn): void {
  const { subscriber } = cluster as unknown as { subscriber: { subscriber: Redis | null } };
  let current = subscriber.subscriber;
  Object.defineProperty(subscriber, 'subscriber', {
    get: () => current,
    set(redis: Redis | null) {
      if (redis) {
        guardSockets(redis);
        divertWarnings(redis, warn);
      }
      current = redis;
    },
  });
}

/** Errors of what was not answered have no code, and words that fit anything. */
function withCodeIfLate(error: Error): Error {
  const isLate = error.message === COMMAND_LATE || error.message === SLOTS_LATE;
  return isLate ? withCode('No answer in time', SILENT, error) : error;
}

function withCode(message: string, code: string, cause?: unknown): Error {
  return Object.assign(new Error(message, cause === undefined ? undefined : { cause }), { code });
}
