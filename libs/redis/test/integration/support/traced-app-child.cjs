/**
 * A process of its own whose HTTP server and commands are traced by OpenTelemetry's instrumentations,
 * which have to be there before what they trace is loaded. Says at which port it serves, and on request
 * what spans have ended.
 *
 * Usage: `fork(traced-app-child.cjs, [<url of a Redis>])`
 */
const { registerInstrumentations } = require('@opentelemetry/instrumentation');
const { HttpInstrumentation } = require('@opentelemetry/instrumentation-http');
const { IORedisInstrumentation } = require('@opentelemetry/instrumentation-ioredis');
const {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} = require('@opentelemetry/sdk-trace-node');

const exporter = new InMemorySpanExporter();
new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }).register();
registerInstrumentations({
  instrumentations: [new HttpInstrumentation(), new IORedisInstrumentation()],
});

require('reflect-metadata');
require('../../../../../test/support/typescript-hook.cjs');
const { serveTraced } = require('./traced-app.ts');

process.once('disconnect', () => process.exit()); // the test has ended
serveTraced(process.argv[2]).then(
  ({ port }) => process.send({ port }),
  (error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  },
);
process.on('message', () => {
  const spans = exporter.getFinishedSpans().map((span) => {
    const { name, kind, attributes, parentSpanContext } = span;
    const { traceId, spanId } = span.spanContext();
    return { name, kind, attributes, traceId, spanId, parentId: parentSpanContext?.spanId };
  });
  process.send({ spans });
});
