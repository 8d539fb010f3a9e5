/**
 * @module metrics Metrics for `prom-client` (an optional peer of this package), which for example
 * `@willsoto/nestjs-prometheus` serves. Not exported: the metrics themselves. The registry shows them.
 */
export { RedisMetricsModule, type RedisMetricsOptions } from './redis-metrics.module.js';
