import type { MetricDefinition } from './definitions.js';
import { ExposedMetric, type Sample } from './exposed-metric.js';
import { LabelTree } from './label-tree.js';
import { labelsOf } from './labels-of.js';

type HistogramDefinition = MetricDefinition & { readonly buckets: readonly number[] };

/** How long things took, by label values. */
export class Histogram {
  readonly exposed: ExposedMetric;
  readonly #series: LabelTree<Series>;

  constructor(definition: HistogramDefinition) {
    const series = new LabelTree(
      (...values) => new Series(definition, labelsOf(definition, values)),
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

/** One row of buckets, each counted alone: they are added up when they are read. */
class Series {
  readonly #name: string;
  readonly #labels: Sample['labels'];
  readonly #bounds: readonly number[];
  /** One more than bounds, for what exceeds them all. */
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
