import { context, propagation, trace, type Span } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { waitUntil } from '../../../src/testing/wait-until.js';

/** What OpenTelemetry has recorded since the last time it was forgotten. */
export interface Traces {
  /** Those that have ended, the innermost first; without a name, all of them. */
  spans(name?: string): ReadableSpan[];
  /** The one of this name; waits until there is one. */
  span(name: string): Promise<ReadableSpan>;
  /** Runs what a request would cause, in a span of that name. */
  inSpan<T>(name: string, work: (span: Span) => Promise<T>): Promise<T>;
  forget(): void;
  stop(): Promise<void>;
}

/**
 * Registers OpenTelemetry for this process, with an exporter that keeps everything.
 *
 * @param further what else the application does with its spans
 */
export function recordTraces(...further: SpanProcessor[]): Traces {
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter), ...further];
  const provider = new NodeTracerProvider({ spanProcessors });
  provider.register();
  const spans = (name?: string) =>
    exporter.getFinishedSpans().filter((span) => name === undefined || span.name === name);
  return {
    spans,
    span: async (name) => {
      await waitUntil(`a span ${name} has ended`, async () => spans(name).length > 0);
      return spans(name)[0] as ReadableSpan;
    },
    inSpan: (name, work) =>
      trace.getTracer('test').startActiveSpan(name, async (span) => {
        try {
          return await work(span);
        } finally {
          span.end();
        }
      }),
    forget: () => {
      exporter.reset();
    },
    stop: async () => {
      trace.disable();
      context.disable();
      propagation.disable();
      await provider.shutdown();
    },
  };
}
