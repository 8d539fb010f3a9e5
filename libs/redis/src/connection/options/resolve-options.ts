import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import { readDriverSettings } from './driver-settings.js';
import { maskSecrets } from './mask-secrets.js';
import { AccessReader } from './access-reader.js';
import type { RedisAddress, RedisModuleOptions, ResolvedRedisOptions } from './options.js';
import { givenOr, readCredentials, readSentinelAccess } from './read-access.js';
import { ACCEPTED_URLS, parseRedisUrl, type RedisUrlParts } from './redis-url.js';
import { readTls } from './tls-options.js';

/** The connection that `@InjectRedis()` without a name gives. */
export const DEFAULT_CONNECTION = 'default';

const OPTIONS = {
  acquireTimeout: true,
  app: true,
  clusterNodes: true,
  commandTimeout: true,
  connectTimeout: true,
  credentials: true,
  db: true,
  defaultTtl: true,
  environment: true,
  host: true,
  ioredis: true,
  ioredisCluster: true,
  maxConnections: true,
  maxRetriesPerRequest: true,
  password: true,
  path: true,
  port: true,
  sentinelName: true,
  sentinelPassword: true,
  sentinelTls: true,
  sentinelUsername: true,
  sentinels: true,
  shutdownTimeout: true,
  silenceTimeout: true,
  startup: true,
  startupTimeout: true,
  tls: true,
  url: true,
  username: true,
} as const satisfies Record<keyof RedisModuleOptions, true>;

const PORTS = [1, 65_535] as const;

/**
 * Fills in the defaults and checks all options at once. Opens nothing.
 *
 * @throws RedisConfigurationException listing every problem
 * @internal
 */
export function resolveOptions(
  options: RedisModuleOptions,
  name: string = DEFAULT_CONNECTION,
): ResolvedRedisOptions {
  const read = new AccessReader();
  refuseForeignShape(options);
  const resolved = readOptions(options, name, read);
  read.finish();
  return hideSecrets(resolved);
}

/** Printing or logging the options must not print a password or a TLS key. */
function hideSecrets(resolved: ResolvedRedisOptions): ResolvedRedisOptions {
  return Object.defineProperties(resolved, {
    credentials: { enumerable: false },
    password: { enumerable: false },
    sentinelPassword: { enumerable: false },
    sentinelTls: { enumerable: false },
    tls: { enumerable: false },
  });
}

/**
 * Checks options as {@link resolveOptions} does, and returns the problems: the caller names the settings
 * otherwise.
 *
 * @internal
 */
export function findOptionProblems(options: RedisModuleOptions): readonly ConfigurationProblem[] {
  const read = new AccessReader();
  readOptions(options, DEFAULT_CONNECTION, read);
  return read.problems;
}

function readOptions(
  options: RedisModuleOptions,
  name: string,
  read: AccessReader,
): ResolvedRedisOptions {
  const url = readUrl(options.url, read);
  const topology = readTopology(options, read);
  read.refuseUnknown(options, OPTIONS);
  const { ioredis, ioredisCluster } = readDriverSettings(options, topology, read);
  const path = readPath(options, url, topology, read);
  const tls = readTls('tls', options.tls, read, url.tls);
  const commandTimeoutMs = read.timeout('commandTimeout', options.commandTimeout, 5_000);
  const connectTimeoutMs = read.timeout('connectTimeout', options.connectTimeout, 5_000);
  if (path !== undefined && tls !== undefined) {
    read.refuse('tls', 'set for a Unix socket', 'no TLS: what is sent stays on this machine');
  }
  return {
    name,
    app: read.text('app', options.app, 'app'),
    environment: read.text('environment', options.environment, defaultEnvironment()),
    topology,
    addresses: path === undefined ? readAddresses(options, url, topology, read) : [socketAt(path)],
    path,
    sentinelName: read.textOrNone('sentinelName', options.sentinelName),
    ...readSentinelAccess(options, tls, read),
    ...readCredentials(options, url, connectTimeoutMs, read),
    db: readDb(givenOr(url.db, options.db), topology, read),
    tls,
    connectTimeoutMs,
    commandTimeoutMs,
    silenceTimeoutMs: read.timeout('silenceTimeout', options.silenceTimeout, commandTimeoutMs),
    maxRetriesPerRequest: read.integer(
      'maxRetriesPerRequest',
      options.maxRetriesPerRequest,
      3,
      [0, 1_000],
    ),
    maxConnections: read.integer('maxConnections', options.maxConnections, 50, [1, 10_000]),
    acquireTimeoutMs: read.timeout('acquireTimeout', options.acquireTimeout, 5_000),
    defaultTtlMs: read.ttl('defaultTtl', options.defaultTtl, 3_600_000),
    startup: read.oneOf('startup', options.startup, 'background', [
      'background',
      'wait',
      'require',
    ]),
    startupTimeoutMs: read.timeout('startupTimeout', options.startupTimeout, 10_000),
    shutdownTimeoutMs: read.timeout('shutdownTimeout', options.shutdownTimeout, 2_000),
    ioredis: { ...(url.family !== undefined && { family: url.family }), ...ioredis },
    ioredisCluster,
  };
}

function defaultEnvironment(): string {
  return process.env['NODE_ENV'] || 'development';
}

function readUrl(url: string | undefined, read: AccessReader): RedisUrlParts {
  if (url === undefined) return {};
  if (url === '') {
    read.refuse('url', url, `a text that is not empty; leave it out, or give ${ACCEPTED_URLS}`);
    return {};
  }
  const parts = parseRedisUrl(url);
  if (parts) return parts;
  read.refuseUrl('url', url, ACCEPTED_URLS);
  return {};
}

function readTopology(
  { sentinels, sentinelName, clusterNodes }: RedisModuleOptions,
  read: AccessReader,
): ResolvedRedisOptions['topology'] {
  if (sentinels && clusterNodes) {
    read.refuse('clusterNodes', 'set beside sentinels', 'one of the two, not both');
  }
  if (sentinels && !sentinelName) {
    read.miss('sentinelName', "the name under which the sentinels know the primary: 'mymaster'");
  }
  if (sentinelName && !sentinels) {
    read.miss('sentinels', 'the addresses of the sentinels, because sentinelName is set');
  }
  if (clusterNodes) return 'cluster';
  return sentinels ? 'sentinel' : 'standalone';
}

function readAddresses(
  options: RedisModuleOptions,
  url: RedisUrlParts,
  topology: ResolvedRedisOptions['topology'],
  read: AccessReader,
): ResolvedRedisOptions['addresses'] {
  const server = {
    host: read.host('host', givenOr(url.host, options.host), 'localhost'),
    port: read.integer('port', givenOr(url.port, options.port), 6379, PORTS),
  };
  if (topology === 'standalone') return [server];
  const setting = topology === 'cluster' ? 'clusterNodes' : 'sentinels';
  for (const name of ['host', 'port'] as const) {
    if (options[name] === undefined) continue;
    read.refuse(name, options[name], `no value beside ${setting}, which say where the servers are`);
  }
  const [first, ...others] = listOf(options[setting]).map(({ host, port }, i) => ({
    host: read.host(`${setting}[${i}].host`, givenOr('', host), ''),
    port: read.integer(`${setting}[${i}].port`, givenOr(Number.NaN, port), 0, PORTS),
  }));
  if (first) return [first, ...others];
  read.refuse(setting, options[setting], 'a list of at least one address { host, port }');
  return [server];
}

function readDb(
  db: number | undefined,
  topology: ResolvedRedisOptions['topology'],
  read: AccessReader,
): number {
  const index = read.integer('db', db, 0, [0, 99_999]);
  if (topology === 'cluster' && index !== 0) {
    read.refuse('db', index, '0, the only database of a cluster');
  }
  return index;
}

/** A host or a port beside the URL of a socket wins over it, as it wins over that part of any URL. */
function readPath(
  { path, host, port }: RedisModuleOptions,
  url: RedisUrlParts,
  topology: ResolvedRedisOptions['topology'],
  read: AccessReader,
): string | undefined {
  if (path === undefined) {
    const isWanted = topology === 'standalone' && host === undefined && port === undefined;
    return isWanted ? url.path : undefined;
  }
  if (typeof path !== 'string' || !path.startsWith('/')) {
    read.refuse('path', path, 'the absolute path of a Unix socket');
  } else if (topology !== 'standalone' || host !== undefined || port !== undefined) {
    read.refuse('path', path, 'no host, port, sentinels or clusterNodes beside it');
  } else {
    return path;
  }
  return undefined;
}

function socketAt(path: string): RedisAddress {
  return { host: path, port: 0 };
}

/** Addresses as JavaScript may give them: a value that is no address reads as one without host and port. */
function listOf(addresses: unknown): readonly Partial<RedisAddress>[] {
  if (!Array.isArray(addresses)) return [];
  return addresses.map((address: unknown) => address ?? {});
}

function refuseForeignShape(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new RedisConfigurationException([
    {
      setting: 'the options of RedisModule',
      value: maskSecrets(String(options)),
      accepted: 'an object; did the factory return one, and is its configuration loaded?',
    },
  ]);
}
