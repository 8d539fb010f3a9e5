/** The tables of docs/guide/metrics.md say what the code registers: names, types, labels and buckets. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { DEFINITIONS, type MetricDefinition } from '../../libs/redis/src/metrics/definitions.js';

const rows = [
  ...readFileSync('docs/guide/metrics.md', 'utf8').matchAll(/^\| `(redis_.*)\|$/gm),
].map(([row]) =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim().replaceAll('`', '')),
);
const definitions: readonly MetricDefinition[] = Object.values(DEFINITIONS);

describe('the tables of metrics in the guide', () => {
  it('have a row for every metric, with its type and its labels', () => {
    expect(
      rows
        .filter((cells) => cells.length === 4)
        .map(([name, type, labels]) => [name, type, labels]),
    ).toEqual(definitions.map(({ name, type, labels }) => [name, type, labels.join(', ')]));
  });

  it('have the buckets of every histogram', () => {
    const histograms = definitions.filter(({ type }) => type === 'histogram');
    expect(rows.filter((cells) => cells.length === 2)).toEqual(
      histograms.map(({ name, buckets = [] }) => [name, buckets.join(', ')]),
    );
  });
});
