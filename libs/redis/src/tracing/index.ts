/**
 * @module tracing Spans of the caches for OpenTelemetry (`@opentelemetry/api`, an optional peer of this
 * package). Those of the commands are made by `@opentelemetry/instrumentation-ioredis`.
 */
export { RedisTracingModule } from './redis-tracing.module.js';
