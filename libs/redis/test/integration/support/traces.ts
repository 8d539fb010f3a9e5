import { context, propagation, trace, type Span } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
  type ReadableSpan,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { waitUntil } from '../../../src/testing/wait-until.js';

/** The spans that OpenTelemetry has recorded since the last reset. */
export interface Traces {
  /** Returns the ended spans of this name, or all, the innermost first. */
  spans(name?: string): ReadableSpan[];
  /** Waits for a span of this name. */
  span(name: string): Promise<ReadableSpan>;
  /** Runs work in a span of this name, as a request would. */
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
