/** Reads what operators are given, as data: the rules, the dashboard, and the file that starts both. */
import { readFileSync } from 'node:fs';

import { parse } from 'yaml';

export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

export interface AlertRules {
  readonly groups: readonly { readonly name: string; readonly rules: readonly AlertRule[] }[];
}

export interface Panel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  /** The queries of the panel; a row has none. */
  readonly targets?: readonly { readonly refId: string; readonly expr: string }[];
}

export interface Dashboard {
  readonly uid: string;
  readonly title: string;
  readonly panels: readonly Panel[];
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string }[];
  };
}

export const readYaml = (path: string): unknown => parse(readFileSync(path, 'utf8'));

export const readAlertRules = (): AlertRules => readYaml('ops/prometheus/alerts.yml') as AlertRules;

export const readAlerts = (): AlertRule[] => readAlertRules().groups.flatMap(({ rules }) => rules);

export const readDashboard = (): Dashboard =>
  JSON.parse(readFileSync('ops/grafana/dashboards/redis.json', 'utf8')) as Dashboard;
