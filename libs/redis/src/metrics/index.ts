/**
 * @module metrics Metrics for `prom-client`, served by `@willsoto/nestjs-prometheus` (both are optional
 * peers of this package). What counts and where it is kept is not exported: the registry shows it.
 */
export { RedisMetricsModule, type RedisMetricsOptions } from './redis-metrics.module.js';
