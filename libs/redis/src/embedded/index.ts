/**
 * @module embedded A Redis for development machines that have none.
 *
 * Not exported: finding, starting and watching servers. Tests get those from `/testing`.
 */
export { missingRedis } from './resolution.js';
export { resolveRedis } from './resolve-redis.js';
export type { ResolvedRedis, ResolveRedisOptions } from './resolution.js';
