/** The alert rules: each is complete, has a runbook, fires when it should and not a little before. */
import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { promisify } from 'node:util';
import { describe, expect, it } from '@jest/globals';
import { describeWithPrometheus } from '../support/describe-with-prometheus.js';
import { readAlerts, readYaml } from '../support/operations.js';
import { proseOf, readDocuments } from './documents.js';

interface RuleTests {
  readonly tests: readonly {
    readonly name: string;
    readonly alert_rule_test: readonly {
      readonly alertname: string;
      readonly exp_alerts: readonly object[];
    }[];
  }[];
}

const RUNBOOK = 'docs/guide/operations.md';
const FOLDER = 'ops/prometheus/tests';

const run = promisify(execFile);
const alerts = readAlerts();
const ruleTests = readdirSync(FOLDER).map((file) => `${FOLDER}/${file}`);
const cases = ruleTests.flatMap((file) => (readYaml(file) as RuleTests).tests);

/** The headings below "Alerts" in the runbook. */
function sections(): string[] {
  const runbook = readDocuments().find(({ path }) => path === RUNBOOK);
  const prose = runbook ? proseOf(runbook) : '';
  const [, below = ''] = /^## Alerts$([^]*?)(?=^## |(?![^]))/m.exec(prose) ?? [];
  return [...below.matchAll(/^### (.+)$/gm)].map(([, heading = '']) => heading);
}

describe('the alerts', () => {
  it('have each a section in the runbook, and it has no others', () => {
    const names = alerts.map(({ alert }) => alert);
    expect(names.length).toBeGreaterThan(5);
    expect(sections().sort()).toEqual(names.sort());
  });

  it.each(alerts)('$alert says how bad it is, what is the matter and what to read', (alert) => {
    expect(alert.for).toMatch(/^\d+m$/);
    expect(Object.keys(alert.labels)).toEqual(['severity']);
    expect(alert.labels['severity']).toMatch(/^(critical|warning)$/);
    expect(alert.annotations).toEqual({
      summary: expect.stringMatching(/^[A-Z].{20,}[^.]$/),
      description: expect.stringMatching(/\{\{.{30,}\.$/s),
      runbook_url: `${RUNBOOK}#${alert.alert.toLowerCase()}`,
    });
  });

  it.each(alerts)('$alert has tests of when it fires, and of a near miss', ({ alert }) => {
    const nearMisses = cases.filter(({ alert_rule_test }) =>
      alert_rule_test.every((test) => test.alertname === alert && test.exp_alerts.length === 0),
    );
    const fires = cases.filter(({ alert_rule_test }) =>
      alert_rule_test.some((test) => test.alertname === alert && test.exp_alerts.length > 0),
    );
    expect(nearMisses.length).toBeGreaterThan(0);
    expect(fires.length).toBeGreaterThan(0);
  });
});

describeWithPrometheus('the rules and their tests, run by promtool', () => {
  it('are what Prometheus accepts', async () => {
    const { stdout } = await run('promtool', ['check', 'config', 'ops/prometheus/prometheus.yml']);
    expect(stdout).toContain(`${alerts.length} rules found`);
  });

  it.each(ruleTests)('%s passes', async (file) => {
    const { stdout } = await run('promtool', ['test', 'rules', file]);
    expect(stdout).toContain('SUCCESS');
  });
});
