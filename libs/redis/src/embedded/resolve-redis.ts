import { startEmbeddedServer } from './embedded-server.js';
import { USUAL_FOLDERS, type Environment } from './find-server-binary.js';
import { resolveOn, type ResolvedRedis, type ResolveRedisOptions } from './resolution.js';

/**
 * Decides which Redis an application uses, so that it also runs where there is none:
 *
 * 1. what `REDIS_URL`, `REDIS_HOST`, `REDIS_SENTINELS` or `REDIS_CLUSTER_NODES` name; nothing is
 *    started, and `localhost:6379` is never tried: it may be another project's;
 * 2. with `NODE_ENV=production` or `REDIS_EMBEDDED=off` there is nothing else;
 * 3. a `valkey-server` or `redis-server` of this machine (`REDIS_SERVER_BIN`, PATH, usual folders),
 *    started on a free loopback port; its data is kept in `dataDirectory`;
 * 4. the embedded server in this process, if js-redis-server is installed; its data is not kept.
 *
 * What is started ends with `stop()`, and with this process even if that is killed with SIGKILL.
 *
 * @example
 * const redis = await resolveRedis();
 * logger.log(redis.description);
 * @throws RedisConfigurationException if there is no Redis to use; says what was tried and what to do
 * @publicApi
 */
export function resolveRedis(
  env: Environment = process.env,
  options: ResolveRedisOptions = {},
): Promise<ResolvedRedis> {
  const machine = { usualFolders: USUAL_FOLDERS, startEmbedded: startEmbeddedServer };
  return resolveOn(machine, env, options);
}
