import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Cluster, ClusterOptions, Redis, RedisOptions } from 'ioredis';
import type { Duration } from '../../time/duration.js';
import type { Credentials, CredentialsFunction } from './credentials.js';
import type { OwnedClusterOption, OwnedOption } from './owned-options.js';

/** The plain ioredis client, which `@InjectRedis()` injects. */
export type RedisClient = Redis | Cluster;

/** Where a server or a sentinel is. Other properties of an address are not read. */
export interface RedisAddress {
  readonly host: string;
  readonly port: number;
}

/** Node's TLS options, and the paths of PEM files that are read again at each connect. */
export interface RedisTlsOptions extends TlsOptions {
  /** The certificate authorities to trust, instead of `ca`. @default those of Node */
  readonly caFile?: string | undefined;
  /** The client certificate, instead of `cert`. */
  readonly certFile?: string | undefined;
  /** The key of the client certificate, instead of `key`. */
  readonly keyFile?: string | undefined;
}

/**
 * The behaviour when Redis cannot be reached while the application boots.
 * - `background`: boot at once and connect behind; commands wait up to `commandTimeout`.
 * - `wait`: hold the boot until Redis is ready, at most `startupTimeout`, then go on.
 * - `require`: the same, but fail the boot with `RedisConnectionException`.
 *
 * Refused credentials fail the boot under `wait` and `require`: waiting would not help.
 */
export type StartupPolicy = 'background' | 'wait' | 'require';

/**
 * The options of ioredis for one server, without those that this library decides. The compiler refuses a
 * variable of ioredis's own type: some of its members would have no effect.
 */
export type OtherRedisOptions = PassedRedisOptions & Unset<OwnedOption>;
/** The options of ioredis for a cluster, without those that this library decides. */
export type OtherClusterOptions = PassedClusterOptions & Unset<OwnedClusterOption>;

type PassedRedisOptions = Omit<RedisOptions, OwnedOption>;
type PassedClusterOptions = Omit<ClusterOptions, OwnedClusterOption>;
type Unset<Name extends string> = Readonly<Partial<Record<Name, undefined>>>;

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
   * `redis://[[user]:password@]host[:port][/db]`, `rediss://` for TLS, or
   * `unix://[[user]:password@]/path[?db=n]` for a Unix socket. A field given beside it (`host`,
   * `password`, ...) wins over the same part of the URL; `sentinels` and `clusterNodes` win over its host
   * and port.
   * @example 'rediss://api:secret@redis.internal:6380/2'
   */
  readonly url?: string | undefined;
  /** @default 'localhost' */
  readonly host?: string | undefined;
  /** @default 6379 */
  readonly port?: number | undefined;
  /** The path of a Unix socket, instead of host and port. */
  readonly path?: string | undefined;
  /** The ACL user; without it Redis's `default` user. */
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /**
   * Gives the credentials instead of `username` and `password`, for passwords that rotate and tokens
   * that expire. It is called at each attempt to connect and may take `connectTimeout`. With `expiresAt`,
   * live connections get new ones by AUTH after three quarters of the time. An attempt to connect for
   * which it fails is repeated like any other.
   * @example async () => ({ username: 'api', password: await token(), expiresAt: in15Minutes() })
   */
  readonly credentials?: CredentialsFunction | undefined;
  /**
   * The logical database. A cluster has only 0.
   * @default 0
   */
  readonly db?: number | undefined;
  /**
   * TLS on every connection to a server: the primary, replicas, each node of a cluster. `true` for Node's
   * trust store, or Node's TLS options and `caFile`, `certFile`, `keyFile`. The option for connections to
   * sentinels is `sentinelTls`.
   * @default false, or true for a `rediss://` URL
   * @example { caFile: '/etc/redis/ca.pem' }
   */
  readonly tls?: boolean | RedisTlsOptions | undefined;
  /** The sentinels to ask for the primary. Needs `sentinelName`. */
  readonly sentinels?: readonly RedisAddress[] | undefined;
  /** The name under which the sentinels watch the primary, e.g. `mymaster`. */
  readonly sentinelName?: string | undefined;
  /** The ACL user for the sentinels; without it their `default` user. */
  readonly sentinelUsername?: string | undefined;
  /** The password for the sentinels; `username` and `password` are never sent to them. */
  readonly sentinelPassword?: string | undefined;
  /**
   * TLS on the connections to the sentinels. `true` takes the options of `tls`.
   * @default false; required beside `tls` and `sentinelPassword`
   */
  readonly sentinelTls?: boolean | RedisTlsOptions | undefined;
  /** Some nodes of the cluster; the others are found through them. */
  readonly clusterNodes?: readonly RedisAddress[] | undefined;
  /**
   * How long one attempt to connect may take.
   * @default '5s'
   */
  readonly connectTimeout?: Duration | undefined;
  /**
   * How long a command may take, including the wait for a connection. After that it rejects; Redis may
   * still execute it. For a blocking command (`BLPOP key 10`) its blocking time is added.
   * @default '5s'
   */
  readonly commandTimeout?: Duration | undefined;
  /**
   * How long an open connection may leave a command unanswered and receive nothing at all, before the
   * client tries a second connection. If that one is answered, the first is closed and opened anew: reads
   * that were not answered are sent again, all other commands reject.
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
   * The lifetime of entities and values that are written without one. `'forever'` means no expiry.
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
   * How long the application waits for the replies of running commands when it closes.
   * @default '2s'
   */
  readonly shutdownTimeout?: Duration | undefined;
  /**
   * Any other option of ioredis for one server (in a cluster: for each node). Refused is an option that
   * has no effect on the connection, or that this library has an option for.
   */
  readonly ioredis?: OtherRedisOptions | undefined;
  /** Any other option of ioredis for a cluster. Refused without `clusterNodes`. */
  readonly ioredisCluster?: OtherClusterOptions | undefined;
}

/** Complete options: every default filled in, durations in milliseconds, the URL taken apart. */
export interface ResolvedRedisOptions {
  /** The connection's name; `default` unless it was given one. */
  readonly name: string;
  readonly app: string;
  readonly environment: string;
  readonly topology: 'standalone' | 'sentinel' | 'cluster';
  /**
   * The server, the sentinels or the cluster's start nodes; at least one. A Unix socket is its path as
   * the host, and the port 0.
   */
  readonly addresses: readonly [RedisAddress, ...RedisAddress[]];
  /** The path of the Unix socket, if it is one. */
  readonly path: string | undefined;
  readonly sentinelName: string | undefined;
  readonly sentinelUsername: string | undefined;
  readonly sentinelPassword: string | undefined;
  /** In Node's form. The content of a file is read again each time. */
  readonly sentinelTls: TlsOptions | undefined;
  readonly username: string | undefined;
  readonly password: string | undefined;
  /** Set if a function gives the credentials, instead of `username` and `password`. */
  readonly credentials: Credentials | undefined;
  readonly db: number;
  /** In Node's form. The content of a file is read again each time. */
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
  readonly ioredis: PassedRedisOptions;
  readonly ioredisCluster: PassedClusterOptions;
}
