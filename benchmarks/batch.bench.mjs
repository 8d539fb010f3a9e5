/**
 * RedisBatch against plain ioredis in one run: the time that 100 keys take, and the longest pause of
 * the event loop while 100,000 keys are under way.
 *
 * Usage: npm run build && node benchmarks/batch.bench.mjs
 */
import 'reflect-metadata';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { RedisBatch, RedisModule } from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';

const FEW = 100;
const MANY = 100_000;
const ROUNDS = 9;
const REPEATS = { fast: 300, slow: 30 };
const PAUSE_ROUNDS = 5;
const TTL_SECONDS = 3_600;

const server = await startRedis();
const { host, port } = server;
const app = await NestFactory.createApplicationContext(
  RedisModule.forRoot({ host, port, startup: 'require' }),
  { logger: false },
);
const batch = app.get(RedisBatch);
const plain = new Redis({ host, port, enableAutoPipelining: true });

const valueOf = (i) => ({
  id: i,
  name: `User ${i}`,
  email: `user${i}@example.com`,
  tags: ['a', 'b'],
});
const keysOf = (kind, count) => Array.from({ length: count }, (_, i) => `${kind}:bench:test:${i}`);
const entriesOf = (keys) => new Map(keys.map((key, i) => [key, valueOf(i)]));
const parse = (text) => (text === null ? null : JSON.parse(text));

const users = keysOf('user', FEW);
const entries = entriesOf(users);
const counters = keysOf('counter', FEW);
await batch.setAll(entries);

const comparisons = {
  [`read ${FEW}`]: {
    'MGET and 100 JSON.parse': async () => (await plain.mget(users)).map(parse),
    'batch.getAll': () => batch.getAll(users),
    'Promise.all of 100 GET, auto-pipelined': () =>
      Promise.all(users.map(async (key) => parse(await plain.get(key)))),
    '100 GET, one after the other': async () => {
      for (const key of users) parse(await plain.get(key));
    },
  },
  [`write ${FEW}`]: {
    'pipeline of 100 SET EX': () => {
      const pipeline = plain.pipeline();
      for (const [key, value] of entries) {
        pipeline.set(key, JSON.stringify(value), 'EX', TTL_SECONDS);
      }
      return pipeline.exec();
    },
    'batch.setAll': () => batch.setAll(entries),
    '100 SET EX, one after the other': async () => {
      for (const [key, value] of entries) {
        await plain.set(key, JSON.stringify(value), 'EX', TTL_SECONDS);
      }
    },
  },
  [`count ${FEW}`]: {
    'pipeline of 100 INCRBY and EXPIRE': () => {
      const pipeline = plain.pipeline();
      for (const key of counters) pipeline.incrby(key, 1).expire(key, TTL_SECONDS);
      return pipeline.exec();
    },
    'batch.incrementAll': () => batch.incrementAll(counters),
  },
  [`delete ${FEW}`]: {
    'UNLINK of 100': { prepare: () => batch.setAll(entries), run: () => plain.unlink(users) },
    'batch.deleteAll': { prepare: () => batch.setAll(entries), run: () => batch.deleteAll(users) },
  },
};

console.log(
  `${server.kind} server on loopback, Node ${process.versions.node}; ` +
    `values of ${JSON.stringify(valueOf(1)).length} characters; medians of ${ROUNDS} rounds`,
);
for (const [title, candidates] of Object.entries(comparisons)) await compare(title, candidates);
await comparePauses();

await app.close();
plain.disconnect();
await server.stop();

/** The first candidate is what the others are compared with. Interleaved, so that all meet the same noise. */
async function compare(title, candidates) {
  const times = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, candidate] of Object.entries(candidates)) {
      const ms = await measure(name, candidate);
      if (round > 0) times[name].push(ms); // the first round warms up
    }
  }
  const base = median(Object.values(times)[0]);
  for (const [name, measured] of Object.entries(times)) {
    const ms = median(measured);
    report(title, name, `${(ms * 1_000).toFixed(0)} µs`, `${(ms / base).toFixed(2)} of the time`);
  }
}

/** Milliseconds for one run. */
async function measure(name, candidate) {
  const { prepare, run } = typeof candidate === 'function' ? { run: candidate } : candidate;
  const repeats = name.includes('one after the other') ? REPEATS.slow : REPEATS.fast;
  let total = 0;
  for (let i = 0; i < repeats; i++) {
    await prepare?.();
    const start = performance.now();
    await run();
    total += performance.now() - start;
  }
  return total / repeats;
}

async function comparePauses() {
  const keys = keysOf('user', MANY);
  const values = entriesOf(keys);
  const counts = keysOf('counter', MANY);
  const tasks = {
    'batch.setAll': () => batch.setAll(values),
    'batch.getAll': () => batch.getAll(keys),
    'MGET and JSON.parse, all at once': async () => (await plain.mget(keys)).map(parse),
    'batch.incrementAll': () => batch.incrementAll(counts),
    'batch.deleteAll': () => batch.deleteAll(keys),
    'nothing, for as long': () => setTimeout(400),
  };
  const seen = Object.fromEntries(Object.keys(tasks).map((name) => [name, []]));
  for (let round = 0; round <= PAUSE_ROUNDS; round++) {
    for (const [name, task] of Object.entries(tasks)) {
      const result = await longestPause(task);
      if (round > 0) seen[name].push(result);
    }
  }
  console.log(`\nlongest pause of the event loop with ${MANY} keys; ${PAUSE_ROUNDS} rounds`);
  for (const [name, results] of Object.entries(seen)) {
    const of = (what) => results.map((result) => result[what]);
    report(
      name,
      `median ${median(of('pauseMs')).toFixed(1)} ms`,
      `worst ${Math.max(...of('pauseMs')).toFixed(1)} ms`,
      `histogram's worst ${Math.max(...of('histogramMs')).toFixed(1)} ms`,
      `takes ${median(of('totalMs')).toFixed(0)} ms`,
    );
  }
}

/** Two witnesses: how late an immediate is, and Node's own histogram of timer delays. */
async function longestPause(task) {
  const histogram = monitorEventLoopDelay({ resolution: 1 });
  let running = true;
  let pauseMs = 0;
  const probe = (async () => {
    let last = performance.now();
    while (running) {
      await setImmediate();
      const now = performance.now();
      pauseMs = Math.max(pauseMs, now - last);
      last = now;
    }
  })();
  await setImmediate();
  histogram.enable();
  const start = performance.now();
  await task();
  const totalMs = performance.now() - start;
  running = false;
  await probe;
  await setTimeout(5); // the histogram sees a pause when the next timer is late
  histogram.disable();
  return { pauseMs, totalMs, histogramMs: histogram.max / 1e6 };
}

function report(...cells) {
  console.log(cells.join(' | '));
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
