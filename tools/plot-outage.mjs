/**
 * Runs an outage and draws what the dashboard shows of it: the built sample under load, a real Redis that
 * is killed and later frozen, and a real Prometheus that answers the queries of the panels. Prometheus
 * uses the clock of the tests, with a minute shortened to a second.
 *
 * Usage: npm run build && node tools/plot-outage.mjs docs/guide/images/outage.svg
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { URLSearchParams } from 'node:url';
import { drawCharts } from './svg-charts.mjs';

const require = createRequire(import.meta.url);
require('../test/support/typescript-hook.cjs');
const { startRedis } = require('../libs/redis/src/testing/index.ts');
const { readDashboard } = require('../test/support/operations.ts');
const { startPrometheus } = require('../test/support/prometheus.ts');
const { startTraffic } = require('../test/support/traffic.ts');

const PHASE_SECONDS = 20;
const STEP_SECONDS = 1;
const RATE_INTERVAL = '2s';
const PANELS = [
  'Requests by status',
  'Duration of requests',
  'Commands that fail, by reason',
  'Connections',
  'Cache requests by result',
  'Cache hit ratio',
  'Commands',
  'Event-loop lag',
];

const [file] = process.argv.slice(2);
const redis = await startRedis();
const api = spawn(process.execPath, ['dist/apps/users/main.js'], {
  env: {
    ...process.env,
    PORT: '0',
    LOG_LEVEL: 'info',
    LOG_FORMAT: 'json',
    USERS_STORE: 'redis',
    REDIS_URL: redis.url,
    REDIS_COMMAND_TIMEOUT: '300',
  },
  stdio: ['ignore', 'pipe', 'inherit'],
});
const port = await portOf(api);
api.stdout.resume();
const prometheus = await startPrometheus(`127.0.0.1:${port}`);
const traffic = startTraffic({ port });
try {
  await seconds(PHASE_SECONDS / 2); // the first requests compile the program
  const startedAt = Date.now() / 1_000;
  const now = () => Date.now() / 1_000 - startedAt;
  const spans = [];
  await seconds(PHASE_SECONDS);
  await during(
    'Redis killed',
    '#fbe3e3',
    () => redis.kill(),
    () => redis.restart(),
  );
  await seconds(PHASE_SECONDS);
  await during(
    'Redis frozen',
    '#e3ecfb',
    () => redis.freeze(),
    () => redis.thaw(),
  );
  await seconds(PHASE_SECONDS);
  const total = now();
  const panels = readDashboard().panels.filter(({ title }) => PANELS.includes(title));
  const charts = await Promise.all(panels.map((panel) => chartOf(panel, startedAt, total)));
  writeFileSync(file, drawCharts({ charts, seconds: total, spans }));

  async function during(name, colour, begin, end) {
    const from = now();
    await begin();
    await seconds(PHASE_SECONDS);
    await end();
    spans.push({ name, colour, from, to: now() });
  }
} finally {
  await traffic.stop();
  await prometheus.stop();
  api.kill();
  await once(api, 'exit');
  await redis.stop();
}

async function portOf(child) {
  let output = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    output += chunk;
    const [, found] = /Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output) ?? [];
    if (found) return Number(found);
  }
  throw new Error(`the API does not listen; it printed:\n${output}`);
}

async function chartOf({ title, fieldConfig, targets }, start, total) {
  const series = [];
  for (const { expr, legendFormat } of targets) {
    for (const { metric, values } of await range(expr, start, start + total)) {
      const name = legendFormat.replace(/\{\{(\w+)\}\}/g, (_, label) => metric[label] ?? '');
      series.push({ name, points: values.map(([at, value]) => [at - start, Number(value)]) });
    }
  }
  return { title, unit: fieldConfig.defaults.unit, series };
}

async function range(expression, start, end) {
  const query = expression
    .replaceAll('$__rate_interval', RATE_INTERVAL)
    .replaceAll('$job', 'users-api')
    .replaceAll('$instance', '.*');
  const body = new URLSearchParams({ query, start, end, step: String(STEP_SECONDS) });
  const response = await fetch(`${prometheus.url}/api/v1/query_range`, { method: 'POST', body });
  const { data, error } = await response.json();
  if (!data) throw new Error(`${query}: ${error}`);
  return data.result;
}

function seconds(count) {
  return new Promise((resolve) => setTimeout(resolve, count * 1_000));
}
