import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { plusJitter } from '../time/jitter.js';
import { hideArguments } from './command-failures.js';
import type { RedisClient, ResolvedRedisOptions } from './options.js';
import { superviseCommands } from './supervise-commands.js';

/**
 * Makes the client of a connection. It has an error listener and does not connect yet.
 *
 * @internal
 */
export function createClient(options: ResolvedRedisOptions): RedisClient {
  const client = options.topology === 'cluster' ? createCluster(options) : createRedis(options);
  return prepare(client, options);
}

/**
 * Makes a further client like the given one, for exclusive use. It does not connect yet.
 *
 * Not auto-pipelined, because WATCH, MULTI and blocking commands care about order; in RESP2, where a
 * connection says whether it is in subscriber mode.
 *
 * @internal
 */
export function createDedicatedClient(
  client: RedisClient,
  options: ResolvedRedisOptions,
): RedisClient {
  const settings = { lazyConnect: true, enableAutoPipelining: false };
  const twin =
    'nodes' in client
      ? client.duplicate([], settings)
      : client.duplicate({ ...settings, protocol: 2 });
  return prepare(twin, options);
}

function prepare(client: RedisClient, options: ResolvedRedisOptions): RedisClient {
  client.on('error', hideArguments); // without a listener ioredis prints to the console
  superviseCommands(client, options);
  return client;
}

function createRedis(options: ResolvedRedisOptions): Redis {
  const { topology, addresses, sentinelName } = options;
  return new Redis({
    retryStrategy: retryDelay,
    enableAutoPipelining: true,
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
    enableAutoPipelining: true,
    ...options.ioredisCluster,
    redisOptions: nodeOptions(options),
    lazyConnect: true,
  });
}

function nodeOptions(options: ResolvedRedisOptions): Omit<RedisOptions, 'replyMapping'> {
  const { username, password, tls, db, connectTimeoutMs, maxRetriesPerRequest } = options;
  return {
    disconnectTimeout: options.shutdownTimeoutMs,
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
