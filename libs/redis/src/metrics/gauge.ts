import type { MetricDefinition } from './definitions.js';
import { ExposedMetric } from './exposed-metric.js';
import { labelsOf } from './labels-of.js';

/** The label, and the value, if there is one. */
type Reading = readonly [label: string, value: number | undefined];

/** A metric with one label whose values are read when it is scraped. */
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

/** Two applications may have connections of one name. */
const combine: Readonly<Record<MetricDefinition['aggregator'], (a: number, b: number) => number>> =
  {
    sum: (a, b) => a + b,
    min: Math.min,
    max: Math.max,
  };
