import { describe, expect, it } from '@jest/globals';
import { AggregatorRegistry, Counter, Gauge, Histogram, Registry, type Metric } from 'prom-client';
import type { ExposedMetric } from './exposed-metric.js';
import { Counter as OurCounter, gauge, Histogram as OurHistogram } from './series.js';

const EDGES = [0, 0.001, 0.0010001, 0.5, 2, 1e6];

const duration = {
  name: 'duration_seconds',
  type: 'histogram',
  labels: ['connection', 'outcome'],
  help: 'How long.\nSecond line',
  aggregator: 'sum',
  buckets: [0.001, 0.5, 2],
} as const;
const errors = {
  name: 'errors_total',
  type: 'counter',
  labels: ['connection', 'error'],
  help: 'How many.',
  aggregator: 'sum',
} as const;
const memory = {
  name: 'memory_bytes',
  type: 'gauge',
  labels: ['connection'],
  help: 'How much.',
  aggregator: 'max',
} as const;

/** Names of connections that are awkward, but possible. */
const NAMES = ['default', 'with "quotes", \\ and\na line', '', '__proto__'];

function ours(registry: Registry): void {
  const histogram = new OurHistogram(duration);
  const counter = new OurCounter(errors);
  const register = (metric: ExposedMetric) => {
    registry.registerMetric(metric as unknown as Metric);
  };
  register(histogram.exposed);
  register(counter.exposed);
  register(gauge(memory, () => NAMES.map((name, i) => [name, i * 1024])));
  for (const name of NAMES) {
    for (const edge of EDGES) histogram.observe(edge, name, 'success');
    counter.add(3, name, 'timeout');
    counter.add(2, name, 'timeout');
  }
}

function theirs(registry: Registry): void {
  const options = ({
    name,
    help,
    labels,
    aggregator,
  }: typeof duration | typeof errors | typeof memory) => ({
    name,
    help,
    labelNames: labels,
    aggregator,
    registers: [registry],
  });
  const histogram = new Histogram<string>({ ...options(duration), buckets: [...duration.buckets] });
  const counter = new Counter<string>(options(errors));
  const bytes = new Gauge<string>(options(memory));
  for (const [i, connection] of NAMES.entries()) {
    for (const edge of EDGES) histogram.observe({ connection, outcome: 'success' }, edge);
    counter.inc({ connection, error: 'timeout' }, 5);
    bytes.set({ connection }, i * 1024);
  }
}

/** Sorts the labels, whose order has no meaning. */
function sorted(text: string): string {
  return text.replace(/\{(.*)\}/g, (_, labels: string) => `{${labels.split(',').sort().join()}}`);
}

describe('ExposedMetric', () => {
  it.each([Registry.PROMETHEUS_CONTENT_TYPE, Registry.OPENMETRICS_CONTENT_TYPE])(
    "gives the same text as prom-client's own metrics at each scrape: %s",
    async (contentType) => {
      const [mine, original] = [new Registry(), new Registry()];
      for (const registry of [mine, original]) {
        registry.setContentType(contentType as typeof Registry.PROMETHEUS_CONTENT_TYPE);
        registry.setDefaultLabels({ host: 'a' });
      }
      ours(mine);
      theirs(original);
      const text = await original.metrics();
      expect(text).toContain('duration_seconds_bucket{le="+Inf"');
      for (let time = 0; time < 2; time++) {
        expect(sorted(await mine.metrics())).toBe(sorted(await original.metrics()));
      }
    },
  );

  it('is aggregated over the workers of a Node cluster', async () => {
    const collect = async (fill: (registry: Registry) => void) => {
      const workers = [new Registry(), new Registry()];
      workers.forEach(fill);
      const reports = await Promise.all(workers.map((worker) => worker.getMetricsAsJSON()));
      const overIpc = JSON.parse(JSON.stringify(reports)) as unknown[];
      return AggregatorRegistry.aggregate(overIpc as object[]).metrics();
    };
    const text = await collect(theirs);
    expect(text).toContain('errors_total{connection="default",error="timeout"} 10');
    expect(text).toContain('memory_bytes{connection="__proto__"} 3072');
    expect(await collect(ours)).toBe(text);
  });

  it('starts at zero again after registry.resetMetrics()', async () => {
    const registry = new Registry();
    const counter = new OurCounter(errors);
    const histogram = new OurHistogram(duration);
    for (const { exposed } of [counter, histogram]) {
      registry.registerMetric(exposed as unknown as Metric);
    }
    counter.add(7, 'default', 'timeout');
    histogram.observe(1, 'default', 'success');
    registry.resetMetrics();
    counter.add(1, 'default', 'timeout');
    const text = await registry.metrics();
    expect(text).toContain('errors_total{connection="default",error="timeout"} 1\n');
    expect(text).not.toContain('duration_seconds_count');
  });
});
