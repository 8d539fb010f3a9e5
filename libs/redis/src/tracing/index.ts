/**
 * @module tracing Spans of the caches for OpenTelemetry (`@opentelemetry/api`, an optional peer of this
 * package). `@opentelemetry/instrumentation-ioredis` makes those of the commands.
 */
export { RedisTracingModule } from './redis-tracing.module.js';
