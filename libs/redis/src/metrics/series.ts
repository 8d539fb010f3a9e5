/**
 * Counters, histograms and gauges, made of series: one series for each combination of label values. A
 * scrape gets one sample for each series; that of a histogram gets one for each bucket, the sum and the
 * count.
 */
import type { MetricDefinition } from './definitions.js';
import { ExposedMetric, type Sample } from './exposed-metric.js';

/** Counts by label values. */
export class Counter {
  readonly exposed: ExposedMetric;
  readonly #counts: LabelTree<{ labels: Sample['labels']; value: number }>;

  /** @param beforeRead called at each scrape, before the counts are read */
  constructor(definition: MetricDefinition, beforeRead?: () => void) {
    const counts = new LabelTree((...values) => ({
      labels: labelsOf(definition, values),
      value: 0,
    }));
    this.#counts = counts;
    this.exposed = new ExposedMetric(definition, {
      read: () => {
        beforeRead?.();
        return counts.leaves.map(({ labels, value }) => ({ labels, value }));
      },
      reset: () => {
        counts.clear();
      },
    });
  }

  /** All values that the first label has had. */
  get firstLabels(): readonly string[] {
    return this.#counts.branches;
  }

  /** @param values of the labels, in the order of the definition; a count of 0 makes the series appear */
  add(count: number, ...values: string[]): void {
    this.#counts.of(...values).value += count;
  }
}

type HistogramDefinition = MetricDefinition & { readonly buckets: readonly number[] };

/** Counts durations in buckets, by label values. */
export class Histogram {
  readonly exposed: ExposedMetric;
  readonly #series: LabelTree<HistogramSeries>;

  constructor(definition: HistogramDefinition) {
    const series = new LabelTree(
      (...values) => new HistogramSeries(definition, labelsOf(definition, values)),
    );
    this.#series = series;
    this.exposed = new ExposedMetric(definition, {
      read: () => series.leaves.flatMap((one) => one.samples()),
      reset: () => {
        series.clear();
      },
    });
  }

  /** @param values of the labels, in the order of the definition */
  observe(seconds: number, ...values: string[]): void {
    this.#series.of(...values).observe(seconds);
  }
}

/** Counts each duration in one bucket only; a scrape adds the buckets up. */
class HistogramSeries {
  readonly #name: string;
  readonly #labels: Sample['labels'];
  readonly #bounds: readonly number[];
  /** One more than bounds, for durations above them all. */
  readonly #counts: number[];
  #sum = 0;

  constructor({ name, buckets }: HistogramDefinition, labels: Sample['labels']) {
    this.#name = name;
    this.#labels = labels;
    this.#bounds = buckets;
    this.#counts = new Array<number>(buckets.length + 1).fill(0);
  }

  observe(seconds: number): void {
    const bounds = this.#bounds;
    let i = 0;
    while (i < bounds.length && seconds > (bounds[i] as number)) i++;
    (this.#counts[i] as number) += 1;
    this.#sum += seconds;
  }

  samples(): Sample[] {
    const samples: Sample[] = [];
    let count = 0;
    for (const [i, le] of [...this.#bounds, '+Inf'].entries()) {
      count += this.#counts[i] ?? 0;
      samples.push(this.#sample('_bucket', count, { le, ...this.#labels }));
    }
    return [...samples, this.#sample('_sum', this.#sum), this.#sample('_count', count)];
  }

  #sample(suffix: string, value: number, labels = this.#labels): Sample {
    return { metricName: `${this.#name}${suffix}`, labels, value };
  }
}

/** The value of the only label, and the value of the series; `undefined` hides the series. */
type Reading = readonly [label: string, value: number | undefined];

/** Makes a metric with one label whose values are read at each scrape. */
export function gauge(
  definition: MetricDefinition,
  readings: () => readonly Reading[] | Promise<readonly Reading[]>,
): ExposedMetric {
  return new ExposedMetric(definition, {
    read: async () => {
      const values = new Map<string, number>();
      for (const [label, value] of await readings()) {
        if (value === undefined) continue;
        const other = values.get(label);
        const { aggregator } = definition;
        values.set(label, other === undefined ? value : combine[aggregator](other, value));
      }
      return [...values].map(([label, value]) => ({
        labels: labelsOf(definition, [label]),
        value,
      }));
    },
  });
}

/** Two applications of one process may have connections with the same name. */
const combine: Readonly<Record<MetricDefinition['aggregator'], (a: number, b: number) => number>> =
  {
    sum: (a, b) => a + b,
    min: Math.min,
    max: Math.max,
  };

/** Holds one leaf for each combination of label values, made when it is first needed. */
class LabelTree<Leaf> {
  readonly #make: (...values: string[]) => Leaf;
  readonly #root = new Map<string, unknown>();
  readonly #leaves: Leaf[] = [];

  constructor(make: (...values: string[]) => Leaf) {
    this.#make = make;
  }

  /**
   * The leaf of these values; each call passes the same number of them. Goes from map to map: joining the
   * values to one key takes seven times as long.
   */
  of(...values: string[]): Leaf {
    const last = values.length - 1;
    let node = this.#root;
    for (let i = 0; i < last; i++) {
      const value = values[i] as string;
      let next = node.get(value) as Map<string, unknown> | undefined;
      if (!next) node.set(value, (next = new Map()));
      node = next;
    }
    const value = values[last] as string;
    const leaf = node.get(value) as Leaf | undefined;
    if (leaf !== undefined) return leaf;
    const made = this.#make(...values);
    node.set(value, made);
    this.#leaves.push(made);
    return made;
  }

  /** In the order in which they were made. */
  get leaves(): readonly Leaf[] {
    return this.#leaves;
  }

  /** All values of the first label. */
  get branches(): readonly string[] {
    return [...this.#root.keys()];
  }

  clear(): void {
    this.#root.clear();
    this.#leaves.length = 0;
  }
}

function labelsOf({ labels }: MetricDefinition, values: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i] ?? '']));
}
