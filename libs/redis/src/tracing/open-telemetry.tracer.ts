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

/** Where a context keeps the span that caused what is not done for it. */
const CAUSE = createContextKey('nestjs-redis-data: cause');

/**
 * Makes spans with whatever OpenTelemetry is registered; without one, none.
 *
 * Samplers and span processors are the application's, and may throw. That disturbs neither the work nor
 * what it ends with: Node is told of it as a warning.
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

/** Only the outermost span is linked: what is inside of it belongs to it. */
function linksToCause(): Link[] {
  const active = context.active();
  const cause = active.getValue(CAUSE) as SpanContext | undefined;
  return cause && !trace.getSpan(active) ? [{ context: cause }] : [];
}

/** What it returns; `undefined` if it threw. */
function unharmed<T>(tell: () => T): T | undefined {
  try {
    return tell();
  } catch (error) {
    warnOf('Tracing of Redis', error);
    return undefined;
  }
}
