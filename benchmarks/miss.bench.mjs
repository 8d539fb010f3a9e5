/**
 * Misses of RedisCache against plain auto-pipelined ioredis (GET, load, SET), in one run: calls per second,
 * and the CPU time of the process and of the server for each.
 *
 * Usage: npm run build && node --expose-gc benchmarks/miss.bench.mjs [part of a row's name]
 */
import 'reflect-metadata';
import { cpus } from 'node:os';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { getRedisToken, KeyBuilder, RedisCache, RedisModule } from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';

const ROUNDS = 9;
const MISSES = 8_000;
const LIST = 100;

const server = await startRedis();
const admin = new Redis(server.port, server.host);
const plain = new Redis({ host: server.host, port: server.port, enableAutoPipelining: true });
const { cache, close } = await openOurs();

const load = async (i) => ({ id: i, title: `The title of post number ${i}`, public: true });
const ROWS = [
  { name: 'plain ioredis, 64 callers', callers: 64, miss: missPlain },
  { name: 'no tags, 64 callers', callers: 64, miss: (i) => miss(i) },
  { name: '1 shared tag, 64 callers', callers: 64, miss: (i) => miss(i, ['posts']) },
  { name: '2 tags, 64 callers', callers: 64, miss: (i) => miss(i, ['posts', `post-${i}`]) },
  { name: 'plain ioredis, 1 caller', callers: 1, miss: missPlain },
  { name: '2 tags, 1 caller', callers: 1, miss: (i) => miss(i, ['posts', `post-${i}`]) },
  { name: 'getOrLoadAll of 100, no tags', callers: 1, each: LIST, miss: missAll },
];

const { model } = cpus()[0];
console.log(
  `Node ${process.versions.node}, ${cpus().length} x ${model}, medians of ${ROUNDS} rounds`,
);
const figures = new Map(ROWS.map(({ name }) => [name, []]));
let next = 0;
for (let round = -1; round < ROUNDS; round++) {
  for (const row of ROWS) {
    if (process.argv[2] && !row.name.includes(process.argv[2])) continue;
    const measured = await measure(row);
    if (round >= 0) figures.get(row.name).push(measured);
  }
}
for (const [name, rounds] of figures) {
  if (rounds.length === 0) continue;
  const of = (fact) => rounds.map((one) => one[fact]).sort((a, b) => a - b)[ROUNDS >> 1];
  const cpu = `${of('process').toFixed(1)} us + ${of('server').toFixed(1)} us of the server`;
  console.log(`${name.padEnd(30)} ${of('perSecond').toFixed(0).padStart(7)}/s  ${cpu}`);
}
await Promise.all([close(), plain.quit(), admin.quit()]);
await server.stop();

async function measure({ callers, each = 1, miss }) {
  await admin.flushall();
  globalThis.gc?.();
  const count = callers === 1 && each === 1 ? MISSES / 4 : MISSES;
  const end = (next += count);
  let i = end - count;
  const caller = async () => {
    while (i < end) await miss((i += each) - each);
  };
  const [server0, process0, start] = [await serverCpu(), process.cpuUsage(), performance.now()];
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - start) / 1_000;
  const { user, system } = process.cpuUsage(process0);
  return {
    perSecond: count / seconds,
    process: (user + system) / count,
    server: ((await serverCpu()) - server0) / count,
  };
}

/** In microseconds. */
async function serverCpu() {
  const text = await admin.info('cpu');
  const seconds = ['used_cpu_user', 'used_cpu_sys'].map((name) =>
    Number(new RegExp(`^${name}:(.*)$`, 'm').exec(text)?.[1]),
  );
  return (seconds[0] + seconds[1]) * 1e6;
}

function miss(i, tags) {
  return cache.getOrLoad(['post', i], () => load(i), tags && { tags });
}

function missAll(from) {
  const keys = Array.from({ length: LIST }, (_, n) => ['post', from + n]);
  return cache.getOrLoadAll(keys, async (missing) => {
    return new Map(await Promise.all(missing.map(async (key) => [key, await load(key[1])])));
  });
}

async function missPlain(i) {
  const text = await plain.get(`post:${i}`);
  if (text !== null) return JSON.parse(text);
  const value = await load(i);
  await plain.set(`post:${i}`, JSON.stringify(value), 'PX', 3_600_000);
  return value;
}

async function openOurs() {
  const { host, port } = server;
  const app = await NestFactory.createApplicationContext(RedisModule.forRoot({ host, port }), {
    logger: false,
  });
  // A busy machine often pauses for 250 ms, which would count as an outage.
  const options = { timeout: '10s' };
  const opened = new RedisCache(app.get(getRedisToken()), app.get(KeyBuilder), options);
  return { cache: opened, close: () => app.close() };
}
