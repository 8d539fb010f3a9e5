import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { Duration } from '../../time/duration.js';

/** What `@InjectRedis()` gives: the plain ioredis client. */
export type RedisClient = Redis | Cluster;

export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * What happens when Redis cannot be reached while the application boots.
 * - `background`: boot at once and connect behind; commands wait up to `commandTimeout`.
 * - `wait`: hold the boot until Redis is ready, at most `startupTimeout`, then go on.
 * - `require`: the same, but fail the boot with `RedisConnectionException`.
 *
 * Refused credentials fail the boot under `wait` and `require`: waiting would not help.
 */
export type StartupPolicy = 'background' | 'wait' | 'require';

/** ioredis options that this library decides: most have a member of their own below. */
type Owned =
  | 'commandTimeout'
  | 'connectTimeout'
  | 'db'
  | 'enableAutoPipelining'
  | 'host'
  | 'keyPrefix'
  | 'lazyConnect'
  | 'maxRetriesPerRequest'
  | 'name'
  | 'password'
  | 'path'
  | 'port'
  | 'replyMapping'
  | 'sentinels'
  | 'stringNumbers'
  | 'tls'
  | 'username';

export type OtherRedisOptions = Omit<RedisOptions, Owned>;
export type OtherClusterOptions = Omit<
  ClusterOptions,
  'enableAutoPipelining' | 'keyPrefix' | 'lazyConnect' | 'redisOptions' | 'replyMapping'
>;

/**
 * One connection to Redis: standalone (the default), Sentinel (`sentinels`) or Cluster
 * (`clusterNodes`). Everything has a default that is right for development.
 *
 * @publicApi
 */
export interface RedisModuleOptions {
  /**
   * The application's name in every key, `kind:{app}:{environment}:...`.
   * @default 'app'
   */
  readonly app?: string | undefined;
  /**
   * The deployment's name in every key.
   * @default NODE_ENV, or 'development'
   */
  readonly environment?: string | undefined;
  /**
   * `redis://[[user]:password@]host[:port][/db]`, or `rediss://` for TLS. A field given beside it
   * (`host`, `password`, ...) wins over the same part of the URL; `sentinels` and `clusterNodes` win
   * over its host and port.
   * @example 'rediss://api:secret@redis.internal:6380/2'
   */
  readonly url?: string | undefined;
  /** @default 'localhost' */
  readonly host?: string | undefined;
  /** @default 6379 */
  readonly port?: number | undefined;
  /** The ACL user; without it Redis's `default` user. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /**
   * The logical database. A cluster has only 0.
   * @default 0
   */
  readonly db?: number | undefined;
  /**
   * `true` for TLS with Node's trust store, or Node's TLS options.
   * @default false, or true for a `rediss://` URL
   */
  readonly tls?: boolean | TlsOptions | undefined;
  /** The sentinels to ask for the primary. Needs `sentinelName`. */
  readonly sentinels?: readonly RedisAddress[] | undefined;
  /** The name under which the sentinels watch the primary, e.g. `mymaster`. */
  readonly sentinelName?: string | undefined;
  /** Some nodes of the cluster; the others are found through them. */
  readonly clusterNodes?: readonly RedisAddress[] | undefined;
  /**
   * How long one attempt to connect may take.
   * @default '5s'
   */
  readonly connectTimeout?: Duration | undefined;
  /**
   * How long a command may take, waiting for a connection included. After that it rejects; Redis
   * may still execute it. A blocking command (`BLPOP key 10`) gets its own blocking time on top.
   * @default '5s'
   */
  readonly commandTimeout?: Duration | undefined;
  /**
   * How long an open connection may leave a command unanswered, and receive nothing at all, before it is
   * found out whether a new one would be answered; if so it is replaced. Reads that were not answered are
   * sent again, everything else rejects.
   * @default commandTimeout
   */
  readonly silenceTimeout?: Duration | undefined;
  /**
   * How many attempts to reconnect a waiting command survives before it rejects.
   * @default 3
   */
  readonly maxRetriesPerRequest?: number | undefined;
  /**
   * The most dedicated connections (WATCH/MULTI, blocking commands, subscribers) open at once.
   * Ordinary commands share one connection, which is not counted.
   * @default 50
   */
  readonly maxConnections?: number | undefined;
  /**
   * How long a caller waits for a dedicated connection when all are in use.
   * @default '5s'
   */
  readonly acquireTimeout?: Duration | undefined;
  /**
   * How long what the library writes lives when its owner says nothing. `'forever'` means no expiry.
   * @default '1h'
   */
  readonly defaultTtl?: Duration | 'forever' | undefined;
  /** @default 'background' */
  readonly startup?: StartupPolicy | undefined;
  /**
   * How long `wait` and `require` hold the boot.
   * @default '10s'
   */
  readonly startupTimeout?: Duration | undefined;
  /**
   * How long the replies of running commands are waited for when the application closes.
   * @default '2s'
   */
  readonly shutdownTimeout?: Duration | undefined;
  /** Anything else that ioredis takes for one server (in a cluster: for each node). */
  readonly ioredis?: OtherRedisOptions | undefined;
  /** Anything else that ioredis takes for a cluster. */
  readonly ioredisCluster?: OtherClusterOptions | undefined;
}

/** The same, complete: every default filled in, durations in milliseconds, the URL taken apart. */
export interface ResolvedRedisOptions {
  /** The connection's name; `default` unless it was given one. */
  readonly name: string;
  readonly app: string;
  readonly environment: string;
  readonly topology: 'standalone' | 'sentinel' | 'cluster';
  /** The server, the sentinels or the cluster's start nodes; at least one. */
  readonly addresses: readonly [RedisAddress, ...RedisAddress[]];
  readonly sentinelName: string | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  readonly db: number;
  readonly tls: TlsOptions | undefined;
  readonly connectTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly silenceTimeoutMs: number;
  readonly maxRetriesPerRequest: number;
  readonly maxConnections: number;
  readonly acquireTimeoutMs: number;
  readonly defaultTtlMs: number | 'forever';
  readonly startup: StartupPolicy;
  readonly startupTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly ioredis: OtherRedisOptions;
  readonly ioredisCluster: OtherClusterOptions;
}
