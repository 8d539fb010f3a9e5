/** The dashboard is complete as far as a file can tell; test/users-dashboard.e2e-spec.ts sees it work. */
import { describe, expect, it } from '@jest/globals';
import { readAlerts, readDashboard } from '../support/operations.js';

interface Place {
  readonly gridPos: Readonly<Record<'h' | 'w' | 'x' | 'y', number>>;
}

const { panels, templating } = readDashboard();
const charts = panels.filter(({ type }) => type !== 'row');

const metricsIn = (expression: string): string[] =>
  [...expression.matchAll(/\b(?:redis|http|nodejs|process)_\w+/g)].map(([name]) =>
    name.replace(/_(bucket|count)$/, ''),
  );

describe('the dashboard', () => {
  it('has panels with an id, a title and a description of their own', () => {
    expect(charts.length).toBeGreaterThan(15);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    expect(new Set(panels.map(({ title }) => title)).size).toBe(panels.length);
    for (const chart of charts) {
      expect(chart).toHaveProperty('description', expect.stringMatching(/\.$/));
    }
  });

  it('draws no panel over another one', () => {
    const taken = new Set<string>();
    for (const panel of panels) {
      const { h, w, x, y } = (panel as unknown as Place).gridPos;
      expect(x + w).toBeLessThanOrEqual(24);
      for (let column = x; column < x + w; column++) {
        for (let line = y; line < y + h; line++) {
          expect(taken).not.toContain(`${column} ${line}`);
          taken.add(`${column} ${line}`);
        }
      }
    }
  });

  it('asks the chosen data source, for the chosen application', () => {
    for (const { title, targets = [], ...chart } of charts) {
      expect([title, targets.length > 0]).toEqual([title, true]);
      expect(chart).toHaveProperty('datasource.uid', '${datasource}');
      for (const { expr } of targets) expect(expr).toContain('job="$job"');
    }
  });

  it('adds no connections, and no caches, up in a chart', () => {
    const sums = charts
      .filter(({ type }) => type === 'timeseries')
      .flatMap(({ targets = [] }) => targets.map(({ expr }) => expr))
      .flatMap((expr) => [...expr.matchAll(/by \(([^)]*)\) \(rate\(redis_(command|cache)_/g)]);
    expect(sums.length).toBeGreaterThan(8);
    for (const [, labels = '', about] of sums) {
      expect(labels.split(', ')).toContain(about === 'cache' ? 'cache' : 'connection');
    }
  });

  it('uses no variable that it does not have', () => {
    const known = [...templating.list.map(({ name }) => name), '__rate_interval'];
    const used = [...JSON.stringify({ panels, templating }).matchAll(/\$\{?(\w+)/g)];
    expect(new Set(used.map(([, name = '']) => name))).toEqual(new Set([...known, '__all']));
  });

  it('shows every metric that an alert is about', () => {
    const shown = charts.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => metricsIn(expr)),
    );
    const watched = readAlerts().flatMap(({ expr }) => metricsIn(expr));
    expect(watched.length).toBeGreaterThan(5);
    for (const metric of watched) expect(shown).toContain(metric);
  });
});
