import {
  findServerBinary,
  type BinarySearch,
  type Environment,
  type ServerBinary,
} from '../embedded/find-server-binary.js';
import { realServerRequired } from './real-server-required.js';

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

/** @internal */
export async function requireRedisServer(what: string): Promise<ServerBinary> {
  const { binary, tried } = await searchOnce(process.env);
  if (binary === undefined) throw realServerRequired(what, tried);
  return binary;
}

const searches = new Map<string, Promise<BinarySearch>>();

/** Probing runs a process; a test file that starts ten servers need not do it ten times. */
function searchOnce(env: Environment): Promise<BinarySearch> {
  const key = `${env['REDIS_SERVER_BIN'] ?? ''}\n${env['PATH'] ?? ''}`;
  const search = searches.get(key) ?? findServerBinary(env);
  searches.set(key, search);
  return search;
}
