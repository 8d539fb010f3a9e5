/**
 * Cache-aside over SQL, on SQLite (libsql) and on PostgreSQL, in one run: `GET /users/:id` of the sample
 * with and without its cache; a hundred users by `getOrLoadAll`, by as many `getOrLoad` and by one
 * query; and what `change` adds to a change, beside an invalidation after the commit.
 *
 * Starts its own Redis and PostgreSQL. The load comes from this process, which competes for the CPU with
 * the servers: look at the ratios, which compare interleaved rounds of the same run.
 *
 * Usage: npm run build && node benchmarks/sql.bench.mjs [part of a row's name]
 */
import 'reflect-metadata';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NestFactory } from '@nestjs/core';
import libsql from 'libsql';
import { getRedisToken, KeyBuilder, RedisCache, RedisModule } from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';
import { DataSource, EntitySchema, In } from 'typeorm';
import { freePort, isAnswered } from './support/api-process.mjs';
import { openConnections, requestBytes, sendLoad } from './support/http-load.mjs';

const require = createRequire(import.meta.url);
require('../test/support/typescript-hook.cjs');
const { startPostgres } = require('../test/support/postgres.ts');

const ROUNDS = 5;
const SECONDS = 1;
const HTTP = { users: 100, connections: 32, seconds: 3 };
const ROWS = 1_000;
const LIST = 100;

const ROW = new EntitySchema({
  name: 'row',
  tableName: 'bench_users',
  columns: {
    id: { type: 'text', primary: true },
    firstName: { type: 'text' },
    lastName: { type: 'text' },
    email: { type: 'text' },
    version: { type: 'integer' },
  },
});

for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
const only = process.argv[2] ?? '';
const redis = await startRedis();
const postgres = await startPostgres();
const folder = await mkdtemp(join(tmpdir(), 'sql-bench-'));
try {
  const { model } = cpus()[0];
  const before = loadavg()[0].toFixed(1);
  console.log(
    `${redis.kind} Redis, PostgreSQL without fsync, SQLite with WAL, Node ${process.versions.node}, ` +
      `${cpus().length} x ${model}, load average ${before} before, medians of ${ROUNDS} interleaved ` +
      `rounds of ${SECONDS} s (HTTP: ${HTTP.seconds} s, ${HTTP.connections} connections)`,
  );
  print(['what', 'database', 'callers', 'how', 'per second', 'times', '99%', 'CPU of the process']);
  print(Array(8).fill('---'));
  await compareRequests();
  for (const [name, options] of Object.entries(databases())) await compareInProcess(name, options);
} finally {
  await redis.stop();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
}

function databases() {
  return {
    SQLite: {
      type: 'better-sqlite3',
      driver: libsql,
      database: join(folder, 'rows.db'),
      enableWAL: true,
    },
    PostgreSQL: { type: 'postgres', url: postgres.url, poolSize: 10 },
  };
}

// --- GET /users/:id ---

async function compareRequests() {
  const what = 'GET /users/:id';
  const urls = { SQLite: `file:${join(folder, 'users.db')}`, PostgreSQL: postgres.url };
  for (const [database, url] of Object.entries(urls)) {
    if (!`${what}, ${database}`.includes(only)) continue;
    const apis = {};
    for (const store of ['sql', 'cached']) {
      apis[store] = await startApi({ USERS_STORE: store, DATABASE_URL: url });
    }
    const ids = await createUsers(apis.sql);
    const requests = ids.map((id) => requestBytes({ method: 'GET', path: `/users/${id}` }));
    const names = { sql: 'USERS_STORE=sql', cached: 'USERS_STORE=cached, hits' };
    const contenders = Object.entries(apis).map(([store, api]) => [
      names[store],
      () => measureRequests(api, requests),
    ]);
    await compare([what, database, HTTP.connections], Object.fromEntries(contenders));
    for (const api of Object.values(apis)) await api.stop();
  }
}

async function measureRequests(api, requests) {
  const connections = await openConnections(api.port, HTTP.connections);
  const cpuBefore = await cpuOf(api);
  const { acceptedPerSecond, accepted, statuses } = await sendLoad(connections, requests, HTTP);
  const cpu = (await cpuOf(api)) - cpuBefore;
  for (const connection of connections) connection.close();
  if (Object.keys(statuses).join() !== '200') {
    throw new Error(`answered ${JSON.stringify(statuses)}`);
  }
  const p99 = accepted[Math.floor(accepted.length * 0.99)];
  return { rate: acceptedPerSecond, p99, cpu: (cpu * 1e6) / accepted.length };
}

async function createUsers({ url }) {
  const headers = { 'content-type': 'application/json' };
  const ids = [];
  for (let i = 0; i < HTTP.users; i++) {
    const user = { firstName: 'Ada', lastName: 'Lovelace', email: `ada-${i}@example.com` };
    const body = JSON.stringify(user);
    const response = await fetch(`${url}/users`, { method: 'POST', headers, body });
    if (response.status !== 201) throw new Error(`POST /users answered ${response.status}`);
    ids.push((await response.json()).id);
  }
  return ids;
}

async function cpuOf({ url }) {
  const metrics = await (await fetch(`${url}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)$/m.exec(metrics)?.[1]);
}

async function startApi(variables) {
  const port = await freePort();
  const main = fileURLToPath(new URL('../dist/apps/users/main.js', import.meta.url));
  const own = { PORT: String(port), REDIS_URL: redis.url, REDIS_STARTUP: 'require' };
  const unguarded = { HTTP_MAX_QUEUE_TIME: '60000' }; // this process takes CPU from it: nothing is refused
  const child = spawn(process.execPath, ['--max-semi-space-size=64', main], {
    env: { ...process.env, ...own, ...unguarded, ...variables },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  process.once('exit', () => child.kill());
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

// --- in this process ---

async function compareInProcess(database, options) {
  const source = await new DataSource({
    ...options,
    entities: [ROW],
    synchronize: true,
  }).initialize();
  const rows = source.getRepository(ROW);
  await rows.insert(Array.from({ length: ROWS }, (_, i) => userAt(i)));
  const app = await NestFactory.createApplicationContext(
    RedisModule.forRoot({ url: redis.url, startup: 'require' }),
    { logger: false },
  );
  // A busy machine often pauses for 250 ms, which would count as an outage.
  const keys = new KeyBuilder({ app: 'bench', environment: database });
  const cache = new RedisCache(app.get(getRedisToken()), keys, { timeout: '10s' });
  for (const callers of [1, 8]) {
    const about = [`${LIST} users, cached`, database, callers];
    await compare(
      about,
      inProcess(
        callers,
        readers(rows, cache, () => 'hot'),
      ),
    );
  }
  for (const callers of [1, 8]) {
    let cold = 0;
    const about = [`${LIST} users, none cached`, database, callers];
    await compare(
      about,
      inProcess(
        callers,
        readers(rows, cache, () => `cold-${cold++}`),
      ),
    );
  }
  for (const callers of [1, 8]) {
    await compare(['a change', database, callers], inProcess(callers, writers(rows, cache)));
  }
  await app.close();
  await source.destroy();
}

/** @param space what the names of entries begin with: another one is a cold cache */
function readers(rows, cache, space) {
  const idsFrom = (i) => Array.from({ length: LIST }, (_, k) => idAt((i * 7 + k) % ROWS));
  const tagsOf = (id) => [`user-${id}`];
  return {
    'findBy({ id: In(...) })': (i) => rows.findBy({ id: In(idsFrom(i)) }),
    getOrLoadAll: async (i) => {
      const prefix = space();
      const names = idsFrom(i).map((id) => [prefix, id]);
      const found = await cache.getOrLoadAll(
        names,
        async (missing) => {
          const users = await rows.findBy({ id: In(missing.map(([, id]) => id)) });
          return new Map(users.map((user) => [[prefix, user.id], user]));
        },
        { tags: ([, id]) => tagsOf(id) },
      );
      return [...found.values()];
    },
    [`${LIST} x getOrLoad`]: (i) => {
      const prefix = space();
      const load = (id) =>
        cache.getOrLoad([prefix, id], () => rows.findOneBy({ id }), { tags: tagsOf(id) });
      return Promise.all(idsFrom(i).map(load));
    },
  };
}

function writers(rows, cache) {
  const commit = (i) => rows.update({ id: idAt(i % ROWS) }, { lastName: `Lovelace ${i}` });
  const tagAt = (i) => `user-${idAt(i % ROWS)}`;
  return {
    'commit, nothing is invalidated': commit,
    'commit, then invalidateTags': async (i) => {
      await commit(i);
      await cache.invalidateTags(tagAt(i));
    },
    change: (i) => cache.change({ tags: [tagAt(i)] }, () => commit(i)),
  };
}

/** By name: what each takes, acted out by so many callers at once. */
function inProcess(callers, acts) {
  const isList = Object.keys(acts).length > 0 && 'getOrLoadAll' in acts;
  return Object.fromEntries(
    Object.entries(acts).map(([name, act]) => [
      name,
      async () => {
        const took = [];
        const end = performance.now() + 1_000 * SECONDS;
        const before = process.cpuUsage();
        const start = performance.now();
        let begun = 0;
        const caller = async () => {
          while (performance.now() < end) {
            const startedAt = performance.now();
            const result = await act(begun++);
            took.push(performance.now() - startedAt);
            if (isList && result.length !== LIST) throw new Error(`${name} gave ${result.length}`);
          }
        };
        await Promise.all(Array.from({ length: callers }, caller));
        const seconds = (performance.now() - start) / 1_000;
        const { user, system } = process.cpuUsage(before);
        took.sort((a, b) => a - b);
        const p99 = took[Math.floor(took.length * 0.99)];
        return { rate: took.length / seconds, p99, cpu: (user + system) / took.length };
      },
    ]),
  );
}

function idAt(i) {
  return `00000000-0000-4000-8000-${String(i).padStart(12, '0')}`;
}

function userAt(i) {
  const name = { firstName: 'Ada', lastName: `Lovelace ${i}` };
  return { id: idAt(i), ...name, email: `ada-${i}@example.com`, version: 1 };
}

// --- the table ---

/** The first contender is the one that the others are multiples of. */
async function compare([what, database, callers], contenders) {
  if (!`${what}, ${database}`.includes(only)) return;
  const measured = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, measure] of Object.entries(contenders)) {
      const figures = await measure();
      if (round > 0) measured[name].push(figures); // the first round warms up
    }
  }
  const of = (name, figure) => median(measured[name].map((figures) => figures[figure]));
  const [base] = Object.keys(contenders);
  for (const name of Object.keys(contenders)) {
    const rate = of(name, 'rate');
    const times = (rate / of(base, 'rate')).toFixed(2);
    const figures = [`${Math.round(rate)}`, times, `${of(name, 'p99').toFixed(1)} ms`];
    print([what, database, callers, name, ...figures, `${Math.round(of(name, 'cpu'))} us`]);
  }
}

function print(cells) {
  console.log(`| ${cells.join(' | ')} |`);
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}

function pause(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
