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

/**
 * Makes the exception for a feature that the embedded server lacks. It says how to get a real server.
 *
 * @param what the feature, e.g. `freeze()`
 * @param tried the programs that were found and cannot be used
 * @internal
 */
export function realServerRequired(
  what: string,
  tried: readonly string[] = [],
): RedisConfigurationException {
  const found = tried.length === 0 ? '' : ` (found: ${tried.join('; ')})`;
  return new RedisConfigurationException([
    {
      setting: 'REDIS_SERVER_BIN',
      accepted: `${what} needs a real Redis server on this machine${found}. ${HOW_TO_GET_A_SERVER}`,
    },
  ]);
}
