import { INSTALL_EMBEDDED_SERVER } from '../embedded/embedded-server.js';
import {
  findServerBinary,
  type BinarySearch,
  type Environment,
  type ServerBinary,
} from '../embedded/find-server-binary.js';
import { RedisConfigurationException } from '../errors/redis-configuration.exception.js';

/**
 * Finds the server program that `startRedis()` and the topologies use: `REDIS_SERVER_BIN`, else
 * `valkey-server` or `redis-server` on the PATH and in the usual folders.
 *
 * @returns `undefined` if there is none
 * @throws RedisConfigurationException if `REDIS_SERVER_BIN` is set and does not run here
 * @publicApi
 */
export async function findRedisServer(
  env: Environment = process.env,
): Promise<ServerBinary | undefined> {
  return (await searchOnce(env)).binary;
}

/**
 * Finds the server program for a feature that the embedded server lacks.
 *
 * @param what the feature, e.g. `startCluster()`
 * @throws RedisConfigurationException if there is no program
 * @internal
 */
export async function requireRedisServer(what: string): Promise<ServerBinary> {
  const { binary, tried } = await searchOnce(process.env);
  if (binary === undefined) throw realServerRequired(what, tried);
  return binary;
}

/**
 * Makes the exception for a feature that the embedded server lacks. It says how to get a real server.
 *
 * @param what the feature, e.g. `startReplica()`
 * @param tried the programs that were found and cannot be used
 * @internal
 */
export function realServerRequired(
  what: string,
  tried: readonly string[] = [],
): RedisConfigurationException {
  return missingServer(`${what} needs a real Redis server`, tried, HOW_TO_GET_A_SERVER);
}

/**
 * Makes the exception for a machine that has neither a server program nor the embedded server. It says how
 * to get either.
 *
 * @param what the call that needs a server, e.g. `startRedis()`
 * @param why the reason why the embedded server cannot be used
 * @internal
 */
export async function anyServerRequired(
  what: string,
  why: string,
): Promise<RedisConfigurationException> {
  const { tried } = await searchOnce(process.env);
  const remedy = `${HOW_TO_GET_A_SERVER}. Or install a server in JavaScript: ${INSTALL_EMBEDDED_SERVER}`;
  return missingServer(`${what} needs a Redis server`, [...tried, why], remedy);
}

function missingServer(
  need: string,
  tried: readonly string[],
  remedy: string,
): RedisConfigurationException {
  const found = tried.length === 0 ? '' : ` (tried: ${tried.join('; ')})`;
  const accepted = `${need} on this machine${found}. ${remedy}`;
  return new RedisConfigurationException([{ setting: 'REDIS_SERVER_BIN', accepted }]);
}

const searches = new Map<string, Promise<BinarySearch>>();

/** Searches once per environment: each search runs a process, and a test file may start ten servers. */
function searchOnce(env: Environment): Promise<BinarySearch> {
  const key = `${env['REDIS_SERVER_BIN'] ?? ''}\n${env['PATH'] ?? ''}`;
  const search = searches.get(key) ?? findServerBinary(env);
  searches.set(key, search);
  return search;
}

const HOW_TO_GET_A_SERVER =
  'sudo apt-get install -y redis-server (Debian, Ubuntu), brew install valkey (macOS), or set ' +
  'REDIS_SERVER_BIN to the path of a redis-server or valkey-server';
