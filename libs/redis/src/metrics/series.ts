import type { MetricDefinition } from './definitions.js';
import { ExposedMetric, type Sample } from './exposed-metric.js';
import { LabelTree } from './label-tree.js';
import { labelsOf } from './labels-of.js';

/** Counts by label values. */
export class Counter {
  readonly exposed: ExposedMetric;
  readonly #counts: LabelTree<{ labels: Sample['labels']; value: number }>;

  /** @param beforeRead called when it is scraped, before its counts are read */
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

  /** What the first label has been. */
  get firstLabels(): readonly string[] {
    return this.#counts.branches;
  }

  /** @param values of the labels, in the order of the definition; with a count of 0 they are shown */
  add(count: number, ...values: string[]): void {
    this.#counts.of(...values).value += count;
  }
}
