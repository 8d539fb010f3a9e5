import {
  context,
  createContextKey,
  trace,
  type Link,
  type Span,
  type SpanContext,
} from '@opentelemetry/api';
import type { Describe, SpanFacts, Tracer } from '../telemetry/tracing.js';
import { warnOf } from '../telemetry/warn-of.js';
import { recordFailure } from './record-failure.js';

/** The context's key for the span that caused work which may outlive it. */
const CAUSE = createContextKey('nestjs-redis-data: cause');

/**
 * Makes spans with the registered OpenTelemetry, or none without one.
 *
 * Samplers and span processors belong to the application, and may throw. Such an error changes neither the
 * work nor its outcome: it becomes a warning of the Node process.
 *
 * @internal
 */
export class OpenTelemetryTracer implements Tracer {
  readonly #tracer = trace.getTracer('nestjs-redis-data');

  async run<T>(
    name: string,
    facts: SpanFacts,
    work: (describe: Describe) => Promise<T>,
  ): Promise<T> {
    const span = this.#start(name, facts);
    if (!span) return work(() => undefined);
    const describe: Describe = (more) => unharmed(() => span.setAttributes(more));
    return context.with(trace.setSpan(context.active(), span), async () => {
      try {
        return await work(describe);
      } catch (error) {
        unharmed(() => {
          recordFailure(span, error);
        });
        throw error;
      } finally {
        unharmed(() => {
          span.end();
        });
      }
    });
  }

  runAside<T>(work: () => T): T {
    const active = context.active();
    const cause = trace.getSpanContext(active);
    return cause ? context.with(trace.deleteSpan(active).setValue(CAUSE, cause), work) : work();
  }

  #start(name: string, facts: SpanFacts): Span | undefined {
    return unharmed(() => {
      return this.#tracer.startSpan(name, { attributes: facts, links: linksToCause() });
    });
  }
}

/** Links only the outermost span: the spans inside it are its children. */
function linksToCause(): Link[] {
  const active = context.active();
  const cause = active.getValue(CAUSE) as SpanContext | undefined;
  return cause && !trace.getSpan(active) ? [{ context: cause }] : [];
}

/** Calls a function of OpenTelemetry. @returns its result; `undefined` if it threw */
function unharmed<T>(tell: () => T): T | undefined {
  try {
    return tell();
  } catch (error) {
    warnOf('Tracing of Redis', error);
    return undefined;
  }
}
