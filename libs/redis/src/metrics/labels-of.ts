import type { MetricDefinition } from './definitions.js';

export function labelsOf(
  { labels }: MetricDefinition,
  values: readonly string[],
): Readonly<Record<string, string>> {
  return Object.fromEntries(labels.map((label, i) => [label, values[i] ?? '']));
}
