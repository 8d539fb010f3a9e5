import type { ClusterOptions, RedisOptions } from 'ioredis';
import { plusJitter } from '../time/jitter.js';
import type { RedisAddress, ResolvedRedisOptions } from './options/options.js';

/** How long a closed socket may take to say good-bye before it is destroyed. */
const DISCONNECT_TIMEOUT_MS = 100;

/** Replies as they always were: with this option ioredis's types take nothing for granted. */
type ServerOptions = Omit<RedisOptions, 'replyMapping'>;
type NodesOptions = Omit<ClusterOptions, 'redisOptions'> & { redisOptions: ServerOptions };

/** What ioredis's constructors take. */
export type DriverOptions =
  | { readonly kind: 'standalone' | 'sentinel'; readonly options: ServerOptions }
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly RedisAddress[];
      readonly options: NodesOptions;
    };

/**
 * The options of a connection in ioredis's words. Connects to nothing; what it makes may be used for
 * several clients.
 *
 * @internal
 */
export function driverOptionsOf(options: ResolvedRedisOptions): DriverOptions {
  const { topology, addresses, sentinelName } = options;
  if (topology === 'cluster') {
    return {
      kind: topology,
      nodes: addresses,
      options: {
        clusterRetryStrategy: retryDelay,
        ...options.ioredisCluster,
        redisOptions: nodeOptions(options),
      },
    };
  }
  const target =
    topology === 'sentinel'
      ? { sentinels: [...addresses], name: sentinelName ?? '' }
      : addresses[0];
  return {
    kind: topology,
    options: { retryStrategy: retryDelay, ...nodeOptions(options), ...target },
  };
}

function nodeOptions(options: ResolvedRedisOptions): ServerOptions {
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
