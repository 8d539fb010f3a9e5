import { join } from 'node:path';
import { isHost, parseAddresses } from '../connection/options/addresses.js';
import { parseRedisUrl } from '../connection/options/redis-url.js';
import { printAddress } from '../errors/print-address.js';
import {
  RedisConfigurationException,
  type ConfigurationProblem,
} from '../errors/redis-configuration.exception.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { INSTALL_EMBEDDED_SERVER, startEmbeddedServer } from './embedded-server.js';
import { findServerBinary, USUAL_FOLDERS, type Environment } from './find-server-binary.js';
import { startLocalServer } from './local-server.js';
import type { ServerProcess } from './server-process.js';

/** The Redis that an application uses, and the way to stop it. */
export interface ResolvedRedis {
  /** The URL of the Redis; `undefined` if other variables than `REDIS_URL` configure it. */
  readonly url: string | undefined;
  /** `configured`: your own. `server`: a server program of this machine. `embedded`: one in JavaScript. */
  readonly source: 'configured' | 'server' | 'embedded';
  /** One line for the log: which Redis is used and why. Contains no password. */
  readonly description: string;
  /** Stops a started server, and does nothing to a configured one. May be called twice. */
  stop(): Promise<void>;
}

export interface ResolveRedisOptions {
  /** The folder for the data of a started server. @default `.data` in the working directory */
  readonly dataDirectory?: string;
}

/**
 * Finds or starts the Redis that an application uses. The first of these that applies:
 *
 * 1. `REDIS_URL`, `REDIS_HOST`, `REDIS_SENTINELS` or `REDIS_CLUSTER_NODES` is set: that Redis; nothing is
 *    started. `localhost:6379` is never tried, because it may belong to another project;
 * 2. `NODE_ENV=production` or `REDIS_EMBEDDED=off` is set: an exception;
 * 3. this machine has a `valkey-server` or `redis-server` (`REDIS_SERVER_BIN`, PATH, usual folders): that
 *    program, started on a free loopback port; its data is kept in `dataDirectory`;
 * 4. js-redis-server is installed: the embedded server in a process of its own; its data is not kept.
 *
 * A started server ends with `stop()`, and with this process even if that is killed with SIGKILL.
 *
 * @example
 * const redis = await resolveRedis();
 * logger.log(redis.description);
 * @throws RedisConfigurationException if there is no Redis to use; it says what was tried and what to do
 * @publicApi
 */
export function resolveRedis(
  env: Environment = process.env,
  options: ResolveRedisOptions = {},
): Promise<ResolvedRedis> {
  const machine = { usualFolders: USUAL_FOLDERS, startEmbedded: startEmbeddedServer };
  return resolveOn(machine, env, options);
}

/** The means of this machine to run a Redis. Tests pass those of other machines. */
export interface Machine {
  readonly usualFolders: readonly string[];
  readonly startEmbedded: () => Promise<Pick<ServerProcess, 'port' | 'stop'>>;
}

const CONTAINER =
  '`docker run -d -p 127.0.0.1:6379:6379 redis` and REDIS_URL=redis://127.0.0.1:6379';
const PROGRAM =
  '`sudo apt-get install -y redis-server` (Debian, Ubuntu), `brew install valkey` (macOS)';

/** @internal */
export async function resolveOn(
  machine: Machine,
  env: Environment,
  options: ResolveRedisOptions,
): Promise<ResolvedRedis> {
  refuseUnknownOptions(options, { dataDirectory: true }, 'resolveRedis: ');
  const configured = describeConfiguration(env);
  if (configured !== undefined) {
    return {
      url: env['REDIS_URL']?.trim() || undefined,
      source: 'configured',
      description: `Redis: ${configured}`,
      stop: () => Promise.resolve(),
    };
  }
  const problems = [...embeddedProblems(env), ...missingRedis(env)];
  if (problems.length > 0) throw new RedisConfigurationException(problems);
  const dataDirectory = options.dataDirectory ?? join(process.cwd(), '.data');
  const { tried, ...local } = await tryLocalServer(machine, env, dataDirectory);
  return local.server ?? (await tryEmbeddedServer(machine, tried));
}

/** Each of these configures a Redis. If several are set, the log names the first. */
const CONFIGURING_VARIABLES = [
  'REDIS_URL',
  'REDIS_HOST',
  'REDIS_SENTINELS',
  'REDIS_CLUSTER_NODES',
] as const;

/**
 * Describes the Redis that the environment configures, without credentials.
 *
 * @returns `undefined` if it configures none
 * @internal
 */
export function describeConfiguration(env: Environment): string | undefined {
  const variable = CONFIGURING_VARIABLES.find((name) => env[name]?.trim());
  if (variable === undefined) return undefined;
  const value = env[variable]?.trim() ?? '';
  return `${describeTarget(variable, value, env) ?? 'an address that cannot be read'} (${variable} is set)`;
}

/** @returns `undefined` if the value may contain a secret that cannot be told apart */
function describeTarget(
  variable: (typeof CONFIGURING_VARIABLES)[number],
  value: string,
  env: Environment,
): string | undefined {
  if (variable === 'REDIS_URL') return describeUrl(value);
  if (variable !== 'REDIS_HOST')
    return parseAddresses(value).map(printAddress).join(',') || undefined;
  return isHost(value) ? `${value}:${env['REDIS_PORT']?.trim() || '6379'}` : undefined;
}

function describeUrl(value: string): string | undefined {
  const parts = parseRedisUrl(value);
  if (!parts) return undefined;
  const { username, password, path, db } = parts;
  const credentials = username === undefined && password === undefined ? '' : '***@';
  if (path !== undefined)
    return `unix://${credentials}${path}${db === undefined ? '' : `?db=${db}`}`;
  const { protocol, host } = new URL(value);
  return `${protocol}//${credentials}${host}${db === undefined ? '' : `/${db}`}`;
}

function embeddedProblems(env: Environment): ConfigurationProblem[] {
  const value = embeddedOf(env);
  if (value === 'on' || value === 'off') return [];
  return [{ setting: 'REDIS_EMBEDDED', value, accepted: 'on or off' }];
}

/**
 * Returns the problem for which `resolveRedis` would reject: no Redis is configured, and none may be
 * started, as with `NODE_ENV=production`. An application can report it together with other problems of its
 * environment. Opens no connection.
 *
 * @example
 * const problems = [...problemsOfMine(process.env), ...missingRedis()];
 * @returns no problem, or one
 * @publicApi
 */
export function missingRedis(env: Environment = process.env): readonly ConfigurationProblem[] {
  const isProduction = env['NODE_ENV'] === 'production';
  const mayBeStarted = !isProduction && embeddedOf(env) !== 'off';
  if (mayBeStarted || describeConfiguration(env) !== undefined) return [];
  const why = isProduction ? 'NODE_ENV=production' : 'REDIS_EMBEDDED=off';
  const variables = CONFIGURING_VARIABLES.join(', ');
  const accepted = `with ${why} no Redis is started for you; set one of ${variables}`;
  return [{ setting: CONFIGURING_VARIABLES[0], accepted }];
}

function embeddedOf(env: Environment): string {
  return env['REDIS_EMBEDDED']?.trim() || 'on';
}

/** @throws RedisConfigurationException if `REDIS_SERVER_BIN` names the server and it does not start */
async function tryLocalServer(
  machine: Machine,
  env: Environment,
  dataDirectory: string,
): Promise<{ server?: ResolvedRedis; tried: readonly string[] }> {
  const { binary, tried } = await findServerBinary(env, machine.usualFolders);
  if (binary === undefined) return { tried };
  try {
    const server = await startLocalServer(binary, dataDirectory);
    return { server: started('server', server), tried };
  } catch (error) {
    const problem = (error as Error).message.replace(/\s*\n\s*/g, ' | '); // one line in a log
    if (!env['REDIS_SERVER_BIN']?.trim()) return { tried: [...tried, problem] };
    throw new RedisConfigurationException([
      { setting: 'REDIS_SERVER_BIN', value: binary.path, accepted: `a server; ${problem}` },
    ]);
  }
}

async function tryEmbeddedServer(
  machine: Machine,
  tried: readonly string[],
): Promise<ResolvedRedis> {
  try {
    const server = await machine.startEmbedded();
    const description =
      `the embedded server, whose data is gone at exit, because nothing is configured and there is ` +
      `${tried.join('; ')}. To keep data: ${PROGRAM}, or ${CONTAINER}`;
    return started('embedded', { port: server.port, description, stop: () => server.stop() });
  } catch (error) {
    const everything = [...tried, (error as Error).message].join('; ');
    const accepted =
      `install a Redis, which is then started for you: ${PROGRAM}, or one in JavaScript: ` +
      `\`${INSTALL_EMBEDDED_SERVER}\`. Or run one: ${CONTAINER} (tried: ${everything})`;
    throw new RedisConfigurationException([{ setting: CONFIGURING_VARIABLES[0], accepted }]);
  }
}

function started(
  source: 'server' | 'embedded',
  server: { readonly port: number; readonly description: string; stop(): Promise<void> },
): ResolvedRedis {
  let stopped: Promise<void> | undefined;
  const address = `127.0.0.1:${server.port}`;
  return {
    url: `redis://${address}`,
    source,
    description: `Redis: ${address}, ${server.description}`,
    stop: () => (stopped ??= server.stop()),
  };
}
