import { Module, type OnApplicationShutdown } from '@nestjs/common';
import { RedisCoreModule } from '../nest/redis-core.module.js';
import { Telemetry } from '../telemetry/telemetry.js';
import { OpenTelemetryTracer } from './open-telemetry.tracer.js';

/**
 * Traces the caches of the application with OpenTelemetry. Makes a span for each load (`redis.cache.load`),
 * which is active while the loader runs, and for each wait for the loader of another process
 * (`redis.cache.lease_wait`). Import it once, beside `RedisModule`.
 *
 * Uses the registered tracer provider, also one that is registered later; without one it costs next to
 * nothing. Ends with its application, and traces no other application of the process.
 *
 * @example
 * imports: [RedisModule.forRoot(), RedisTracingModule]
 *
 * @publicApi
 */
@Module({ imports: [RedisCoreModule] })
export class RedisTracingModule implements OnApplicationShutdown {
  readonly #end: () => void;

  constructor(telemetry: Telemetry) {
    this.#end = telemetry.tracing.traceWith(new OpenTelemetryTracer());
  }

  onApplicationShutdown(): void {
    this.#end();
  }
}
