/**
 * @module embedded Finds or starts a Redis for an application on a development machine.
 *
 * Not exported: finding, starting and watching servers. The entry point `/testing` offers those to tests.
 */
export { missingRedis, resolveRedis } from './resolve-redis.js';
export type { ResolvedRedis, ResolveRedisOptions } from './resolve-redis.js';
