import {
  context,
  createContextKey,
  SpanStatusCode,
  trace,
  type Link,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import { isError } from '../errors/is-error.js';
import type { Describe, SpanFacts, Tracer } from '../telemetry/tracing.js';

/** Where a context keeps the span that caused what is not done for it. */
const CAUSE = createContextKey('nestjs-redis-data: cause');

/**
 * Makes spans with whatever OpenTelemetry is registered; without one, none.
 *
 * @internal
 */
export class OpenTelemetryTracer implements Tracer {
  readonly #tracer = trace.getTracer('nestjs-redis-data');

  run<T>(name: string, facts: SpanFacts, work: (describe: Describe) => Promise<T>): Promise<T> {
    const options = { attributes: facts, links: linksToCause() };
    return this.#tracer.startActiveSpan(name, options, async (span) => {
      try {
        return await work((more) => {
          span.setAttributes(more);
        });
      } catch (error) {
        recordFailure(span, error);
        throw error;
      } finally {
        span.end();
      }
    });
  }

  runAside<T>(work: () => T): T {
    const active = context.active();
    const cause = trace.getSpanContext(active);
    return cause ? context.with(trace.deleteSpan(active).setValue(CAUSE, cause), work) : work();
  }
}

/** Only the outermost span is linked: what is inside of it belongs to it. */
function linksToCause(): Link[] {
  const active = context.active();
  const cause = active.getValue(CAUSE) as SpanContext | undefined;
  return cause && !trace.getSpan(active) ? [{ context: cause }] : [];
}

/** As OpenTelemetry's own instrumentations do. What is no error may be a value, and is not told. */
function recordFailure(span: Span, error: unknown): void {
  const exception = isError(error)
    ? error
    : { name: typeof error, message: 'Something was thrown that is no Error' };
  span.recordException(exception);
  span.setAttribute('error.type', exception.name);
  span.setStatus({ code: SpanStatusCode.ERROR, message: exception.message });
}
