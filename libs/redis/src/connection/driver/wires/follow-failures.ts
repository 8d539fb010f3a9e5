import type { Cluster, Redis, RedisOptions } from 'ioredis';
import { isError } from '../../../errors/is-error.js';
import type { ConnectionWarning } from '../../../telemetry/connection.events.js';
import type { RedisAddress } from '../../options/options.js';
import type { DrivenClient } from '../driven-client.js';
import type { ConnectionFailures } from '../failures/connection-failures.js';
import { asksSentinels, connectorOf, DRIVER_SAYS, onSubscriber } from '../internals.js';
import { addressOf, splitAddress } from '../primaries.js';
import { divertWarnings } from './driver-warnings.js';
import {
  followServer,
  guardSockets,
  SERVER,
  withCodeIfLate,
  type Hop,
  type Progress,
} from './follow-server.js';

/**
 * Notes why a client does not get its connection, for the exceptions of its commands. ioredis rejects what
 * waits with the same words for every reason, drops the failures of sentinels and of a cluster's nodes, and
 * does not report some failures at all. To be called before the client connects.
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

function forgetWhenReady(redis: Redis, failures: ConnectionFailures, { server }: Hop): void {
  redis.on('ready', () => {
    failures.forgetHop('sentinel');
    failures.forget(server);
  });
}

function followSentinels(redis: Redis, failures: ConnectionFailures, warn: Warn): void {
  const connector = connectorOf(redis);
  if (!asksSentinels(connector)) return;
  const connectToSentinel = connector.connectToSentinel.bind(connector);
  const resolve = connector.resolve.bind(connector);
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
      if ((error as Error).message !== DRIVER_SAYS.closed) note(withCodeIfLate(error as Error));
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
    if (error.message === DRIVER_SAYS.closed || error === failures.of(server)?.error) return;
    if (error.message === DRIVER_SAYS.slotsLate && known) return;
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
  onSubscriber(cluster, (subscriber) => {
    guardSockets(subscriber);
    divertWarnings(subscriber, warn);
  });
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
