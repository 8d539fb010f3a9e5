import type { ClusterOptions, RedisOptions } from 'ioredis';
import { plusJitter } from '../../time/jitter.js';
import type { RedisAddress, ResolvedRedisOptions } from '../options/options.js';
import { sentinelConnector, serverConnector } from './wires/connectors.js';

/** How long a connection may be quiet before TCP asks whether the other side is still there. */
const KEEP_ALIVE_MS = 10_000;

/** How long a closed socket may take to say good-bye before it is destroyed. */
const DISCONNECT_TIMEOUT_MS = 100;

/** Without `replyMapping`, with which ioredis's types leave the type of each reply open. */
type ServerOptions = Omit<RedisOptions, 'replyMapping'>;
type NodesOptions = Omit<ClusterOptions, 'redisOptions'> & { redisOptions: ServerOptions };

/** The arguments of ioredis's constructors. */
export type DriverOptions =
  | { readonly kind: 'standalone' | 'sentinel'; readonly options: ServerOptions }
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly RedisAddress[];
      readonly options: NodesOptions;
    };

/**
 * Translates the options of a connection into ioredis's. Connects to nothing. The result may be used for
 * several clients.
 *
 * @internal
 */
export function driverOptionsOf(options: ResolvedRedisOptions): DriverOptions {
  const { topology } = options;
  if (topology === 'cluster') {
    return { kind: topology, nodes: options.addresses, options: clusterOptions(options) };
  }
  const target = topology === 'sentinel' ? sentinelOptions(options) : serverOptions(options);
  return {
    kind: topology,
    options: { retryStrategy: retryDelay, ...nodeOptions(options), ...target },
  };
}

function serverOptions({ path, addresses: [{ host, port }] }: ResolvedRedisOptions): ServerOptions {
  return path === undefined ? { host, port } : { path };
}

/** TLS and credentials for the sentinels are apart from those for the servers they name. */
function sentinelOptions(options: ResolvedRedisOptions): ServerOptions {
  const { addresses, ioredis, sentinelName, sentinelPassword, sentinelTls, sentinelUsername, tls } =
    options;
  return {
    Connector: ioredis.Connector ?? sentinelConnector(options),
    sentinels: [...addresses],
    name: sentinelName ?? '',
    ...(sentinelUsername !== undefined && { sentinelUsername }),
    ...(sentinelPassword !== undefined && { sentinelPassword }),
    ...(sentinelTls !== undefined && { sentinelTLS: sentinelTls }),
    enableTLSForSentinelMode: tls !== undefined, // without it `tls` is ignored, and all is plain text
  };
}

function clusterOptions(options: ResolvedRedisOptions): NodesOptions {
  return {
    clusterRetryStrategy: retryDelay,
    // A certificate is for a name: resolved before, it would be compared with an address.
    ...(options.tls !== undefined && { dnsLookup: keepName }),
    ...options.ioredisCluster,
    redisOptions: nodeOptions(options),
  };
}

/** The same for a standalone server, one that sentinels name, and a node of a cluster. */
function nodeOptions(options: ResolvedRedisOptions): ServerOptions {
  const { credentials, tls, db, connectTimeoutMs, maxRetriesPerRequest } = options;
  const { username, password } = credentials ?? options;
  const needsConnector = tls !== undefined || credentials !== undefined;
  return {
    disconnectTimeout: DISCONNECT_TIMEOUT_MS,
    keepAlive: KEEP_ALIVE_MS,
    sentinelCommandTimeout: connectTimeoutMs, // or a frozen sentinel would be asked for ever
    sentinelRetryStrategy: noRetry, // `retryStrategy` serves sentinels, too: one pace, counted attempts
    ...(needsConnector && { Connector: serverConnector(options) }),
    ...options.ioredis,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(tls !== undefined && { tls }),
    db,
    connectTimeout: connectTimeoutMs,
    maxRetriesPerRequest,
  };
}

function keepName(hostname: string, done: (error: null, address: string) => void): void {
  done(null, hostname);
}

function noRetry(): null {
  return null;
}

function retryDelay(attempt: number): number {
  return plusJitter(Math.min(attempt * 50, 2_000));
}
