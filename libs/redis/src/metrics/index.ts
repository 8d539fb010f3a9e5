/**
 * @module metrics Metrics for `prom-client`, served by `@willsoto/nestjs-prometheus` (both are optional
 * peers of this package). Not exported: the metrics themselves. The registry shows them.
 */
export { RedisMetricsModule, type RedisMetricsOptions } from './redis-metrics.module.js';
