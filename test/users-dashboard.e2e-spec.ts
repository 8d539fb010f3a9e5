/** Every query that an operator is given has an answer, while the sample is running under load. */
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { describeWithPrometheusAndRedis } from './support/describe-with-prometheus.js';
import { hangUp } from './support/hang-up.js';
import { readAlerts, readDashboard } from './support/operations.js';
import { hurried, startPrometheus, type Prometheus } from './support/prometheus.js';
import { startTraffic, type Traffic } from './support/traffic.js';
import { eventually } from './support/time.js';
import { startUsersApp, type UsersApp } from './users-app.js';

/** The range of rates that Grafana would choose for an hour of data, on the clock of the tests. */
const RATE_INTERVAL = hurried('5m');

/** Choices in the dashboard's lists. */
const CHOSEN = { job: 'users-api', instance: '.*', __rate_interval: RATE_INTERVAL };

const dashboard = readDashboard();
const queries = dashboard.panels.flatMap(({ title, targets = [] }) =>
  targets.map(({ refId, expr }) => ({ title, refId, expr: withChosen(expr) })),
);
const lists = dashboard.templating.list.flatMap(({ name, query }) => {
  const [, series, label] = /^label_values\((.+), (\w+)\)$/.exec(query) ?? [];
  return series && label ? [{ name, series: withChosen(series), label }] : [];
});
const runbook = readFileSync('docs/guide/operations.md', 'utf8');
const advice = [...runbook.matchAll(/^```promql\n([^]+?)\n```$/gm)]
  .map(([, query = '']) => ({
    query: query.replace(/\[(\d+[smhd])\]/g, (_, range: string) => `[${hurried(range)}]`),
  }))
  // There is no database here: users-readiness.e2e-spec.ts asks for it.
  .filter(({ query }) => !query.startsWith('database_'));

function withChosen(expression: string): string {
  return expression.replace(/\$(\w+)/g, (variable, name: string) =>
    name in CHOSEN ? CHOSEN[name as keyof typeof CHOSEN] : variable,
  );
}

describeWithPrometheusAndRedis('the dashboard of the users API', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  let prometheus: Prometheus;
  let traffic: Traffic;

  beforeAll(async () => {
    server = await startRedis({ args: ['--maxmemory', '100mb'] });
    const near = { CACHE_NEAR_BYTES: '16777216' };
    app = await startUsersApp({ REDIS_URL: server.url, REDIS_STARTUP: 'wait', ...near });
    const { port } = app.nest.getHttpServer().address() as AddressInfo;
    await spoilEmail('spoilt@example.com');
    traffic = startTraffic({ port, popularEmail: 'spoilt@example.com' });
    prometheus = await startPrometheus(`127.0.0.1:${port}`);
  });

  afterAll(async () => {
    await traffic.stop();
    await prometheus.stop();
    await app.close();
    await server.stop();
  });

  /** Stores a list where text is expected: a request for this e-mail makes a command fail. */
  async function spoilEmail(email: string): Promise<void> {
    const client = new Redis(server.url);
    await client.rpush(`${app.emailKeyPrefix}${email}`, 'x');
    hangUp(client);
  }

  /** Nothing is asked for until Prometheus knows it; the memory of Redis is read every ten seconds. */
  async function expectData(query: string): Promise<void> {
    await eventually(async () => {
      const values = (await prometheus.query(query)).map(({ value }) => value);
      expect(values.filter(Number.isFinite)).not.toEqual([]);
    });
  }

  it('has queries at all', () => {
    expect(queries.length).toBeGreaterThan(20);
    expect(lists.length).toBeGreaterThan(1);
    expect(advice.length).toBeGreaterThan(8);
  });

  it.each(queries)('shows something in "$title" ($refId)', ({ expr }) => expectData(expr));

  it.each(lists)('offers something to choose from as $name', async ({ series, label }) => {
    await eventually(async () => {
      const found = await prometheus.query(series);
      expect(found.map(({ metric }) => metric[label])).toContainEqual(expect.any(String));
    });
  });

  it.each(advice)('has an answer to the question of the runbook: $query', ({ query }) =>
    expectData(query),
  );

  it.each([
    'Requests that fail',
    'Commands that fail, by command',
    'Commands that fail, by reason',
    'Cache hits',
    'Cache hit ratio',
  ])('shows more than zero in "%s"', async (title) => {
    const { expr = '' } = queries.find((query) => query.title === title) ?? {};

    await expectData(`${expr} > 0`);
  });

  it('shows the requests by their route, and no URL', async () => {
    const query = 'group by (route) (http_request_duration_seconds_count)';
    await eventually(async () => {
      const routes = await prometheus.query(query);
      expect(routes.map(({ metric }) => metric['route']).sort()).toEqual([
        '/metrics',
        '/users',
        '/users/:id',
        '/users/:id/profile',
        'unmatched',
      ]);
    });
  });

  it('watches nothing in its alerts that is not there', async () => {
    const metrics = new Set(
      readAlerts().flatMap(({ expr }) => [...expr.matchAll(/\b(?:redis|http)_\w+/g)].flat()),
    );

    expect(metrics.size).toBeGreaterThan(6);
    for (const metric of metrics) await expectData(metric);
  });

  it('fires no critical alert', async () => {
    await eventually(async () => {
      expect(await prometheus.criticalAlerts()).toEqual([]);
    });
  });
});
