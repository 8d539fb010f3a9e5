/**
 * The users API under twice the load that it can carry, over 2,000 connections: how many requests it
 * answers, how long those take, and whether probes are answered meanwhile.
 *
 * The API is the built sample in a separate process, with its own Redis and its usual log. The
 * load comes from this process, which competes for the CPU: look at the ratios, which compare rounds of
 * the same run.
 *
 * Usage: npm run build && node benchmarks/overload.bench.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import { startRedis } from 'nestjs-redis-data/testing';
import { freePort, isAnswered } from './support/api-process.mjs';
import { openConnections, requestBytes, sendLoad } from './support/http-load.mjs';

const ROUNDS = 3;
const USERS = 100;

/** A small part of what the API can do. */
const UNLOADED = { connections: 10, rate: 200, seconds: 3 };
/** Each connection waits for its answer, so that there is always something to do, and no queue. */
const CAPACITY = { connections: 32, seconds: 3 };
/** Times what was measured as the capacity. */
const OVERLOAD = { connections: 2_000, times: 2, seconds: 5 };
/** The load after the overload: shows what it left behind. */
const RECOVERY = { connections: 10, rate: 200, seconds: 2 };

const PROBES = ['/health', '/health/live', '/metrics'];
const PROBE_PAUSE_MS = 250;

const redis = await startRedis();
const api = await startApi(redis.url);
try {
  const requests = await mixOfRequests();
  await load({ ...CAPACITY, requests }); // warms up
  const { model } = cpus()[0];
  console.log(
    `${redis.kind} server, Node ${process.versions.node}, ${cpus().length} x ${model}, load average ` +
      `${loadavg()[0].toFixed(1)}, ${ROUNDS} rounds`,
  );
  for (let round = 0; round < ROUNDS; round++) report(await measure(requests));
} finally {
  await api.stop();
  await redis.stop();
}

async function measure(requests) {
  const unloaded = await load({ ...UNLOADED, requests });
  const capacity = await load({ ...CAPACITY, requests });
  const rate = Math.round(OVERLOAD.times * capacity.acceptedPerSecond);
  const overload = await load({ ...OVERLOAD, rate, requests, probed: true });
  const recovery = await load({ ...RECOVERY, requests });
  return { unloaded, capacity, overload, recovery };
}

function report({ unloaded, capacity, overload, recovery }) {
  const ms = (value) => `${value.toFixed(1)} ms`;
  const times = (a, b) => `${(a / b).toFixed(2)}x`;
  const refused = overload.statuses[503] ?? 0;
  const other = Object.entries(overload.statuses).filter(
    ([code]) => code !== '503' && code[0] !== '2',
  );
  const probes = overload.probes.map((probe) => probe.ms);
  console.log(
    [
      `capacity ${Math.round(capacity.acceptedPerSecond)}/s, unloaded p99 ${ms(at(unloaded, 0.99))}`,
      `overload: ${Math.round(overload.acceptedPerSecond)}/s answered (${times(overload.acceptedPerSecond, capacity.acceptedPerSecond)}; by CPU of the API ${times(perCpuSecond(overload), perCpuSecond(capacity))})`,
      `p50 ${ms(at(overload, 0.5))}, p99 ${ms(at(overload, 0.99))} (${times(at(overload, 0.99), at(unloaded, 0.99))})`,
      `longest ${ms(at(overload, 1))}`,
      `offered ${Math.round(overload.sentPerSecond)}/s, refused ${refused}, other ${JSON.stringify(Object.fromEntries(other))}`,
      `probes ${probes.length}, not 200 ${overload.probes.filter(({ status }) => status !== 200).length}, longest ${ms(Math.max(...probes))}`,
      `after it p99 ${ms(at(recovery, 0.99))} (${times(at(recovery, 0.99), at(unloaded, 0.99))})`,
    ].join(' | '),
  );
}

/** Runs a load, and returns its results and the CPU time of the API, in seconds. */
async function load({ connections, requests, probed = false, ...what }) {
  const opened = await openConnections(api.port, connections);
  const cpuBefore = await cpuOfApi();
  const sending = sendLoad(opened, requests, what);
  const probes = probed ? await probeUntil(performance.now() + 1_000 * what.seconds) : [];
  const result = await sending;
  const cpu = (await cpuOfApi()) - cpuBefore;
  for (const connection of opened) connection.close();
  return { ...result, probes, cpu };
}

/** Of ten requests, eight read one user or its profile, one reads five and one changes one. */
async function mixOfRequests() {
  const headers = { 'content-type': 'application/json' };
  const ids = [];
  for (let i = 0; i < USERS; i++) {
    const user = { firstName: 'Ada', lastName: 'Lovelace', email: `ada-${i}@example.com` };
    const body = JSON.stringify(user);
    const response = await fetch(`${api.url}/users`, { method: 'POST', headers, body });
    if (response.status !== 201) throw new Error(`POST /users answered ${response.status}`);
    ids.push((await response.json()).id);
  }
  return ids.flatMap((id, i) => {
    const others = (count) => Array.from({ length: count }, (_, k) => ids[(i + k) % USERS]);
    const reads = others(8).map((other, k) => `/users/${other}${k % 2 === 0 ? '' : '/profile'}`);
    return [...reads, `/users?ids=${others(5).join()}`]
      .map((path) => requestBytes({ method: 'GET', path }))
      .concat(requestBytes({ method: 'PATCH', path: `/users/${id}`, body: '{"lastName":"King"}' }));
  });
}

/** Over new connections, as orchestrators ask. */
async function probeUntil(end) {
  const probes = [];
  while (performance.now() < end) {
    for (const path of PROBES) {
      const start = performance.now();
      const request = http.get(`${api.url}${path}`, { agent: false });
      const [response] = await once(request, 'response');
      await once(response.resume(), 'end');
      probes.push({ path, status: response.statusCode, ms: performance.now() - start });
    }
    await pause(PROBE_PAUSE_MS);
  }
  return probes;
}

/** Seconds of CPU that the API has used so far, as its metrics say. */
async function cpuOfApi() {
  const metrics = await (await fetch(`${api.url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(metrics)?.[1]);
}

async function startApi(redisUrl) {
  const port = await freePort();
  const main = fileURLToPath(new URL('../dist/apps/users/main.js', import.meta.url));
  const redis = { USERS_STORE: 'redis', REDIS_URL: redisUrl, REDIS_STARTUP: 'require' };
  const env = { ...process.env, PORT: String(port), ...redis };
  const child = spawn(process.execPath, ['--max-semi-space-size=64', main], {
    env,
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isAnswered(`${url}/health/live`))) {
    if (child.exitCode !== null) throw new Error('the API has not started');
    await pause(50);
  }
  const stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { url, port, stop };
}

function at({ accepted }, quantile) {
  return accepted[Math.min(accepted.length - 1, Math.floor(accepted.length * quantile))] ?? NaN;
}

function perCpuSecond({ accepted, cpu }) {
  return accepted.length / cpu;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
