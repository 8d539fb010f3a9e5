/**
 * The users API under twice the load that it can carry, over 2,000 connections: how many requests it
 * answers, how long those take, and whether probes are answered meanwhile.
 *
 * The API is the built sample in a process of its own, on a Redis of its own, with its usual log. The
 * load comes from this process, which competes for the CPU: look at the ratios, which compare rounds of
 * the same run.
 *
 * Usage: npm run build && node benchmarks/overload.bench.mjs
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { createServer } from 'node:net';
import { cpus, loadavg } from 'node:os';
import { fileURLToPath } from 'node:url';
import autocannon from 'autocannon';
import { startRedis } from 'nestjs-redis-data/testing';

const ROUNDS = 3;
const USERS = 100;
const REQUESTS_OF_A_CONNECTION = 10;

/** A small part of what the API can do. */
const UNLOADED = { connections: 10, rate: 200, seconds: 3 };
/** Each connection waits for its answer, so that there is always something to do, and no queue. */
const CAPACITY = { connections: 32, seconds: 3 };
/** Times what was measured as the capacity. In groups, because autocannon sends in bursts of a second. */
const OVERLOAD = { connections: 2_000, groups: 20, times: 2, seconds: 5 };
/** What the overload has left behind. */
const RECOVERY = { connections: 10, rate: 200, seconds: 2 };

const PROBES = ['/health', '/health/live', '/metrics'];
const PROBE_PAUSE_MS = 250;
const LONGEST_RAMP_MS = 60_000;

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
  const rate = Math.round(OVERLOAD.times * perSecond(capacity));
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
      `capacity ${Math.round(perSecond(capacity))}/s, unloaded p99 ${ms(at(unloaded, 0.99))}`,
      `overload: ${Math.round(perSecond(overload))}/s answered (${times(perSecond(overload), perSecond(capacity))}; by CPU of the API ${times(perCpuSecond(overload), perCpuSecond(capacity))})`,
      `p50 ${ms(at(overload, 0.5))}, p99 ${ms(at(overload, 0.99))} (${times(at(overload, 0.99), at(unloaded, 0.99))})`,
      `longest ${ms(at(overload, 1))}`,
      `refused ${refused}, other ${JSON.stringify(Object.fromEntries(other))}, errors ${overload.errors}`,
      `probes ${probes.length}, not 200 ${overload.probes.filter(({ status }) => status !== 200).length}, longest ${ms(Math.max(...probes))}`,
      `after it p99 ${ms(at(recovery, 0.99))} (${times(at(recovery, 0.99), at(unloaded, 0.99))})`,
    ].join(' | '),
  );
}

/**
 * How long each answer took that was no refusal, in milliseconds, and how many had each status. Counts
 * once every connection has had an answer: Node accepts one connection in a turn of its event loop.
 */
async function load({ connections, rate, seconds, requests, groups = 1, probed = false }) {
  const accepted = [];
  const statuses = {};
  const connected = new Set();
  let counts = false;
  let errors = 0;
  const instances = [];
  const groupSize = Math.floor(connections / groups);
  // Autocannon sends at least one request per second over each connection.
  const groupRate = rate && Math.max(groupSize, Math.round(rate / groups));
  for (let group = 0; group < groups; group++) {
    const instance = autocannon(
      {
        url: api.url,
        connections: groupSize,
        duration: 3_600, // until it is stopped
        timeout: 60,
        requests: requests.slice(0, 1),
        setupClient: ownRequests(requests, group * 7),
        ...(groupRate && { overallRate: groupRate }),
      },
      () => undefined, // with a callback it is an emitter, and not a promise as well
    );
    instance.on('response', (client, status, _bytes, ms) => {
      connected.add(client);
      if (!counts) return;
      statuses[status] = (statuses[status] ?? 0) + 1;
      if (status >= 200 && status < 300) accepted.push(ms);
    });
    instance.on('reqError', () => errors++);
    instances.push(instance);
    await pause(1_000 / groups);
  }
  const begin = performance.now();
  while (connected.size < connections) {
    if (performance.now() - begin > LONGEST_RAMP_MS)
      throw new Error(`${connected.size} of ${connections} are connected`);
    await pause(20);
  }
  counts = true;
  const start = performance.now();
  const cpuBefore = await cpuOfApi();
  const probing = probed ? probeUntil(start + 1_000 * seconds) : pause(1_000 * seconds);
  const probes = await probing;
  counts = false;
  const elapsed = (performance.now() - start) / 1_000;
  const cpu = (await cpuOfApi()) - cpuBefore;
  const ends = instances.map((instance) => once(instance, 'done'));
  for (const instance of instances) instance.stop();
  await Promise.all(ends);
  accepted.sort((a, b) => a - b);
  return { accepted, statuses, errors, probes, seconds: elapsed, cpu };
}

/**
 * Each connection asks for users of its own, in an order of its own. One with a rate begins with the next
 * second of its own, so that all are accepted before the load begins.
 */
function ownRequests(requests, first) {
  let next = first;
  return (client) => {
    const at = (REQUESTS_OF_A_CONNECTION * next++) % requests.length;
    const own = requests.slice(at, at + REQUESTS_OF_A_CONNECTION);
    client.setRequests(own.map((request) => ({ ...request })));
    if (client.rate) client.reqsMadeThisSecond = client.rate;
  };
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
    return [
      ...reads.map((path) => ({ method: 'GET', path })),
      { method: 'GET', path: `/users?ids=${others(5).join()}` },
      { method: 'PATCH', path: `/users/${id}`, headers, body: '{"lastName":"King"}' },
    ];
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
  const env = { ...process.env, PORT: String(port), REDIS_URL: redisUrl, REDIS_STARTUP: 'require' };
  const child = spawn(process.execPath, [main], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  const url = `http://127.0.0.1:${port}`;
  while (!(await isAnswered(`${url}/health/live`))) {
    if (child.exitCode !== null) throw new Error('the API has not started');
    await pause(50);
  }
  const stop = async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
  return { url, stop };
}

async function isAnswered(url) {
  try {
    return (await fetch(url)).ok;
  } catch {
    return false;
  }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

function at({ accepted }, quantile) {
  return accepted[Math.min(accepted.length - 1, Math.floor(accepted.length * quantile))] ?? NaN;
}

function perSecond({ accepted, seconds }) {
  return accepted.length / seconds;
}

function perCpuSecond({ accepted, cpu }) {
  return accepted.length / cpu;
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
