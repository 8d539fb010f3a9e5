/**
 * @module connection Clients and the pool of dedicated connections; in `options/` what they are made
 * from, in `commands/` what happens to each command, in `translation/` what its failure means. The
 * only room that uses ioredis as a value.
 */
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { plusJitter } from '../time/jitter.js';
import type { Telemetry } from '../telemetry/telemetry.js';
import { identify, identityOf } from './client-identity.js';
import { prepareNode } from './commands/prepare-node.js';
import { superviseCommands } from './commands/supervise-commands.js';
import { DedicatedClient } from './dedicated-client.js';
import { followFailures } from './follow-failures.js';
import { openOutsideOfRequests } from './open-outside-of-requests.js';
import type { RedisClient, ResolvedRedisOptions } from './options/options.js';
import { hideArguments } from './translation/command-failures.js';

/** How long a closed socket may take to say good-bye before it is destroyed. */
const DISCONNECT_TIMEOUT_MS = 100;

/**
 * Makes the client of a connection. It has an error listener and does not connect yet.
 *
 * @internal
 */
export function createClient(options: ResolvedRedisOptions, telemetry: Telemetry): RedisClient {
  const client = options.topology === 'cluster' ? createCluster(options) : createRedis(options);
  return prepare(client, options, telemetry);
}

/**
 * Makes a further client like the given one, for exclusive use. It does not connect yet. It speaks
 * RESP2, where a connection says whether it is in subscriber mode.
 *
 * @internal
 */
export function createDedicatedClient(
  source: RedisClient,
  options: ResolvedRedisOptions,
): DedicatedClient {
  const settings = { lazyConnect: true };
  const twin =
    'nodes' in source
      ? source.duplicate([], settings)
      : source.duplicate({ ...settings, protocol: 2 });
  return new DedicatedClient(prepare(twin, options, identityOf(source).telemetry));
}

function prepare(
  client: RedisClient,
  options: ResolvedRedisOptions,
  telemetry: Telemetry,
): RedisClient {
  identify(client, { connection: options.name, telemetry });
  followFailures(client);
  client.on('error', hideArguments); // without a listener ioredis prints to the console
  if ('nodes' in client) {
    client.on('node error', hideArguments);
    client.on('+node', (node: Redis) => {
      openOutsideOfRequests(node);
      prepareNode(node);
    });
  } else {
    prepareNode(client);
  }
  openOutsideOfRequests(client);
  superviseCommands(client, options, telemetry);
  return client;
}

function createRedis(options: ResolvedRedisOptions): Redis {
  const { topology, addresses, sentinelName } = options;
  return new Redis({
    retryStrategy: retryDelay,
    ...nodeOptions(options),
    ...(topology === 'sentinel'
      ? { sentinels: [...addresses], name: sentinelName ?? '' }
      : addresses[0]),
    lazyConnect: true,
  });
}

function createCluster(options: ResolvedRedisOptions): Cluster {
  return new Cluster([...options.addresses], {
    clusterRetryStrategy: retryDelay,
    ...options.ioredisCluster,
    redisOptions: nodeOptions(options),
    lazyConnect: true,
  });
}

function nodeOptions(options: ResolvedRedisOptions): Omit<RedisOptions, 'replyMapping'> {
  const { username, password, tls, db, connectTimeoutMs, maxRetriesPerRequest } = options;
  return {
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    sentinelCommandTimeout: connectTimeoutMs, // or a frozen sentinel would be asked for ever
    ...options.ioredis,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    db,
    connectTimeout: connectTimeoutMs,
    maxRetriesPerRequest,
  };
}

function retryDelay(attempt: number): number {
  return plusJitter(Math.min(attempt * 50, 2_000));
}
