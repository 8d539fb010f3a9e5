import type { ConnectionOptions as TlsOptions } from 'node:tls';
import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../../errors/redis-configuration.exception.js';
import { findTlsProblems } from './check-tls.js';
import { MASKED } from './mask-secrets.js';
import { OptionReader } from './option-reader.js';
import type { RedisAddress, RedisModuleOptions, ResolvedRedisOptions } from './options.js';
import { ACCEPTED_URLS, parseRedisUrl, type RedisUrlParts } from './redis-url.js';

/** The connection that `@InjectRedis()` without a name gives. */
export const DEFAULT_CONNECTION = 'default';

const OPTIONS = {
  acquireTimeout: true,
  app: true,
  clusterNodes: true,
  commandTimeout: true,
  connectTimeout: true,
  db: true,
  defaultTtl: true,
  environment: true,
  host: true,
  ioredis: true,
  ioredisCluster: true,
  maxConnections: true,
  maxRetriesPerRequest: true,
  password: true,
  port: true,
  sentinelName: true,
  sentinels: true,
  shutdownTimeout: true,
  startup: true,
  startupTimeout: true,
  tls: true,
  url: true,
  username: true,
} as const satisfies Record<keyof RedisModuleOptions, true>;

const PORTS = [1, 65_535] as const;

/**
 * Fills in the defaults and checks everything at once. Opens nothing.
 *
 * @throws RedisConfigurationException listing every problem
 * @internal
 */
export function resolveOptions(
  options: RedisModuleOptions,
  name: string = DEFAULT_CONNECTION,
): ResolvedRedisOptions {
  const read = new OptionReader();
  refuseForeignShape(options);
  const resolved = readOptions(options, name, read);
  if (read.problems.length > 0) throw new RedisConfigurationException(read.problems);
  return hideSecrets(resolved);
}

/** Printing or logging the options must not print the password or the TLS key. */
function hideSecrets(resolved: ResolvedRedisOptions): ResolvedRedisOptions {
  return Object.defineProperties(resolved, {
    password: { enumerable: false },
    tls: { enumerable: false },
  });
}

/**
 * Like {@link resolveOptions}, but hands the problems to a caller who knows the settings by other
 * names.
 *
 * @internal
 */
export function findOptionProblems(options: RedisModuleOptions): readonly ConfigurationProblem[] {
  const read = new OptionReader();
  readOptions(options, DEFAULT_CONNECTION, read);
  return read.problems;
}

function readOptions(
  options: RedisModuleOptions,
  name: string,
  read: OptionReader,
): ResolvedRedisOptions {
  const url = readUrl(options.url, read);
  const topology = readTopology(options, read);
  refuseUnknownOptions(options, read);
  refuseKeyPrefix(options, read);
  return {
    name,
    app: read.text('app', options.app, 'app'),
    environment: read.text('environment', options.environment, defaultEnvironment()),
    topology,
    addresses: readAddresses(options, url, topology, read),
    sentinelName: readOptional(read, 'sentinelName', options.sentinelName),
    username: readOptional(read, 'username', options.username ?? url.username),
    password: readPassword(options.password ?? url.password, read),
    db: readDb(options.db ?? url.db, topology, read),
    tls: readTls(options.tls, url, read),
    connectTimeoutMs: read.timeout('connectTimeout', options.connectTimeout, 5_000),
    commandTimeoutMs: read.timeout('commandTimeout', options.commandTimeout, 5_000),
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
    ioredis: { ...(url.family !== undefined && { family: url.family }), ...options.ioredis },
    ioredisCluster: options.ioredisCluster ?? {},
  };
}

function defaultEnvironment(): string {
  return process.env['NODE_ENV'] || 'development';
}

function readUrl(url: string | undefined, read: OptionReader): RedisUrlParts {
  if (url === undefined) return { tls: false };
  const parts = parseRedisUrl(url);
  if (parts) return parts;
  read.refuse('url', url, ACCEPTED_URLS);
  return { tls: false };
}

function readTopology(
  { sentinels, sentinelName, clusterNodes }: RedisModuleOptions,
  read: OptionReader,
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
  read: OptionReader,
): ResolvedRedisOptions['addresses'] {
  const server = {
    host: read.host('host', options.host ?? url.host, 'localhost'),
    port: read.integer('port', options.port ?? url.port, 6379, PORTS),
  };
  if (topology === 'standalone') return [server];
  const setting = topology === 'cluster' ? 'clusterNodes' : 'sentinels';
  const listed = listOf(options[setting]);
  const [first, ...others] = listed.map(({ host, port }, i) => ({
    host: read.host(`${setting}[${i}].host`, host ?? '', ''),
    port: read.integer(`${setting}[${i}].port`, port ?? Number.NaN, 0, PORTS),
  }));
  if (first) return [first, ...others];
  read.refuse(setting, options[setting], 'a list of at least one address { host, port }');
  return [server];
}

function readDb(
  db: number | undefined,
  topology: ResolvedRedisOptions['topology'],
  read: OptionReader,
): number {
  const index = read.integer('db', db, 0, [0, 99_999]);
  if (topology === 'cluster' && index !== 0) {
    read.refuse('db', index, '0, the only database of a cluster');
  }
  return index;
}

function readTls(
  tls: RedisModuleOptions['tls'],
  url: RedisUrlParts,
  read: OptionReader,
): TlsOptions | undefined {
  if (tls === undefined) return url.tls ? {} : undefined;
  const given: unknown = tls;
  if (typeof given === 'object' && given !== null) {
    read.problems.push(...findTlsProblems(given));
    return given;
  }
  if (typeof given !== 'boolean') read.refuse('tls', given, 'true, false or TLS options of Node');
  return given === true ? {} : undefined;
}

function readOptional(
  read: OptionReader,
  setting: string,
  value: string | undefined,
): string | undefined {
  return value === undefined ? undefined : read.text(setting, value, '');
}

function readPassword(password: unknown, read: OptionReader): string | undefined {
  if (password === undefined || typeof password === 'string') return password;
  read.refuse('password', MASKED, 'a text');
  return undefined;
}

/** Addresses as they come from JavaScript: what is no address reads as one without host and port. */
function listOf(addresses: unknown): readonly Partial<RedisAddress>[] {
  if (!Array.isArray(addresses)) return [];
  return addresses.map((address: unknown) => address ?? {});
}

function refuseForeignShape(options: unknown): void {
  if (typeof options === 'object' && options !== null) return;
  throw new RedisConfigurationException([
    {
      setting: 'the options of RedisModule',
      value: String(options),
      accepted: 'an object; did the factory return one, and is its configuration loaded?',
    },
  ]);
}

/** A misspelt option would otherwise be a default in disguise. */
function refuseUnknownOptions(options: RedisModuleOptions, read: OptionReader): void {
  for (const setting of Object.keys(options)) {
    if (Object.hasOwn(OPTIONS, setting)) continue;
    read.refuse(setting, 'unknown option', `one of ${Object.keys(OPTIONS).join(', ')}`);
  }
}

/** The types forbid it; JavaScript and casts do not. */
function refuseKeyPrefix({ ioredis, ioredisCluster }: RedisModuleOptions, read: OptionReader) {
  for (const [setting, given] of Object.entries({ ioredis, ioredisCluster })) {
    if (given && 'keyPrefix' in given) {
      read.refuse(
        `${setting}.keyPrefix`,
        given.keyPrefix,
        "the option 'app': KeyBuilder is the only owner of prefixes",
      );
    }
    if (given && 'stringNumbers' in given && given.stringNumbers !== false) {
      const accepted = 'no value: repositories and batches need numbers for numbers';
      read.refuse(`${setting}.stringNumbers`, given.stringNumbers, accepted);
    }
  }
}
