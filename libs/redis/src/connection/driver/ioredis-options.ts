import type { ClusterNode, ClusterOptions, RedisOptions } from 'ioredis';
import { driverOptionsOf } from './driver-options.js';
import type { ResolvedRedisOptions } from '../options/options.js';

/**
 * Options for one server, in types that other libraries accept, too: none is `undefined`, there is a
 * pause between attempts to connect, and replies are as they always were.
 */
export type IoredisServerOptions = Defined<Omit<RedisOptions, 'replyMapping' | 'retryStrategy'>> & {
  retryStrategy?: NonNullable<RedisOptions['retryStrategy']>;
};

type Defined<T> = { [Name in keyof T]?: Exclude<T[Name], undefined> };

/** The arguments of ioredis's constructors: `new Redis(options)`, or `new Cluster(nodes, options)`. */
export type IoredisOptions =
  | { readonly kind: 'standalone' | 'sentinel'; readonly options: IoredisServerOptions }
  | {
      readonly kind: 'cluster';
      readonly nodes: ClusterNode[];
      readonly options: Omit<ClusterOptions, 'redisOptions' | 'replyMapping'> & {
        readonly redisOptions: IoredisServerOptions;
      };
    };

/**
 * The options of a connection as ioredis takes them, for libraries that open connections of their own:
 * BullMQ, the Redis transport of `@nestjs/microservices`, adapters of socket.io. Addresses, credentials,
 * TLS, database, timeouts and the pauses between attempts to connect are those of the connection.
 *
 * The clients that are made of them are plain ioredis clients: without deadlines and metrics, and yours
 * to close. The options hold the password and the TLS key: do not log them. Opens nothing.
 *
 * @param options from `@InjectRedisOptions()`, or `app.get(getRedisOptionsToken())`
 * @param settings what the library wants otherwise, of each server of a cluster, too. BullMQ wants
 * `{ maxRetriesPerRequest: null }`
 *
 * @example
 * const redis = ioredisOptionsOf(options, { maxRetriesPerRequest: null });
 * const connection =
 *   redis.kind === 'cluster' ? new Cluster(redis.nodes, redis.options) : redis.options;
 * new Worker('mails', send, { connection });
 *
 * @publicApi
 */
export function ioredisOptionsOf(
  options: ResolvedRedisOptions,
  settings: IoredisServerOptions = {},
): IoredisOptions {
  const driver = driverOptionsOf(options);
  if (driver.kind !== 'cluster') {
    return { kind: driver.kind, options: defined({ ...driver.options, ...settings }) };
  }
  const { kind, nodes, options: cluster } = driver;
  const redisOptions = defined({ ...cluster.redisOptions, ...settings });
  return { kind, nodes: [...nodes], options: { ...cluster, redisOptions } };
}

function defined(options: object): IoredisServerOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
