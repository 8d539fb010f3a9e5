/**
 * RedisCache against plain auto-pipelined ioredis, node-redis, valkey-glide, bentocache, and cache-manager with
 * Keyv, in one run:
 * hits, concurrent cold misses, and the cost of a call while Redis is away.
 *
 * Usage: npm run build && node benchmarks/cache.bench.mjs [part of a row's name]
 */
import 'reflect-metadata';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createKeyv } from '@keyv/redis';
import { GlideClient } from '@valkey/valkey-glide';
import { NestFactory } from '@nestjs/core';
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisDriver } from 'bentocache/drivers/redis';
import { createCache } from 'cache-manager';
import { Redis } from 'ioredis';
import { getRedisToken, KeyBuilder, RedisCache, RedisModule } from 'nestjs-redis-data';
import { startFaultProxy, startRedis } from 'nestjs-redis-data/testing';
import { createClient } from 'redis';
import { createClient as createClient6 } from 'redis-6';

const ROUNDS = 9;
const ENTRIES = 1_000;
const TAGS = 16;
const TIMES = { 1: 6_000, 64: 40_000, 256: 40_000 };
const LOAD_MS = 100;
const PROCESSES = 8;
const CALLERS = 50;

const OURS = 'RedisCache';
const PLAIN = 'ioredis GET + JSON.parse';
const NODE_REDIS = 'node-redis 4 GET + JSON.parse';
const NODE_REDIS_6 = 'node-redis 6 GET + JSON.parse';
const GLIDE = 'valkey-glide GET + JSON.parse';
const BENTO = 'bentocache, redis only';
const BENTO_MEMORY = 'bentocache, memory first: no other process is heard of';
const KEYV = 'cache-manager, @keyv/redis';

/** By index, and made beforehand: what is measured is not how names are put together. */
const TAGGINGS = {
  'no tags': undefined,
  '16 tags shared by all': tagNames('shared'),
  '16 tags of its own each': Array.from({ length: ENTRIES }, (_, i) => tagNames(`own-${i}`)),
};

if (process.argv[2] === '--process') {
  await missTogether(...process.argv.slice(3));
} else {
  await compareAll();
}

async function compareAll() {
  const server = await startRedis();
  const only = process.argv[2];
  const runs = (name) => !only || name.includes(only);
  const { model } = cpus()[0];
  console.log(
    `${server.kind} server, Node ${process.versions.node}, ${cpus().length} x ${model}, ` +
      `medians of ${ROUNDS} interleaved rounds, ${ENTRIES} entries of ${valueText(100).length} bytes`,
  );
  const candidates = await open(server, [
    PLAIN,
    NODE_REDIS,
    NODE_REDIS_6,
    GLIDE,
    OURS,
    BENTO,
    BENTO_MEMORY,
    KEYV,
  ]);
  for (const [kind, tagsOf] of Object.entries(TAGGINGS)) {
    if (!Object.keys(TIMES).some((callers) => runs(`hit, ${kind}, ${callers}`))) continue;
    const contenders = await prepare(candidates, kind, tagsOf);
    for (const callers of Object.keys(TIMES).map(Number)) {
      if (runs(`hit, ${kind}, ${callers}`)) await compare(`hit, ${kind}`, callers, contenders);
    }
  }
  if (runs('one process')) await missInOneProcess(candidates);
  for (const candidate of Object.values(candidates)) await candidate.close();
  if (runs('processes')) {
    for (const name of [OURS, BENTO, KEYV]) await missInManyProcesses(server, name);
  }
  if (runs('away')) await withoutRedis(server);
  await server.stop();
}

/** About 100 bytes of JSON. */
function valueOf(i) {
  return {
    id: i,
    title: `The title of post number ${i}`,
    author: 'Ada Lovelace',
    likes: 42,
    public: true,
  };
}

function valueText(i) {
  return JSON.stringify(valueOf(i));
}

function tagNames(prefix) {
  return Array.from({ length: TAGS }, (_, tag) => `${prefix}-${tag}`);
}

/** By name: what gets or loads an entry, and whether it knows of tags. */
async function open({ host, port, url }, names) {
  const make = {
    [PLAIN]: async () => {
      const client = new Redis({ host, port, enableAutoPipelining: true });
      return plainCache(client, () => client.quit());
    },
    [NODE_REDIS]: async () => {
      const client = await createClient({ url }).connect();
      return plainCache(client, () => client.quit());
    },
    [NODE_REDIS_6]: async () => {
      const client = await createClient6({ url }).connect();
      return plainCache(client, () => client.destroy());
    },
    [GLIDE]: async () => {
      const client = await GlideClient.createClient({ addresses: [{ host, port }] });
      return plainCache(client, () => client.close());
    },
    [OURS]: async () => {
      // A busy machine often pauses for 250 ms, which would count as an outage.
      const { cache, close } = await openOurs({ host, port }, { timeout: '10s' });
      return {
        knowsTags: true,
        getOrLoad: (key, load, tags) => cache.getOrLoad(key, load, tags ? { tags } : undefined),
        close,
      };
    },
    [BENTO]: () => openBento(bentostore().useL2Layer(bentoRedis({ host, port }))),
    [BENTO_MEMORY]: () =>
      openBento(
        bentostore()
          .useL1Layer(memoryDriver({ maxItems: 100_000 }))
          .useL2Layer(bentoRedis({ host, port })),
      ),
    [KEYV]: async () => {
      const cache = createCache({ stores: [createKeyv(url)] });
      return {
        getOrLoad: (key, load) => cache.wrap(key, load, 3_600_000),
        close: () => cache.disconnect(),
      };
    },
  };
  return Object.fromEntries(
    await Promise.all(names.map(async (name) => [name, await make[name]()])),
  );
}

/** Without expiry: each client says it in another way, and nothing expires here. */
function plainCache(client, close) {
  return {
    getOrLoad: async (key, load) => {
      const text = await client.get(key);
      if (text !== null) return JSON.parse(text);
      const value = await load();
      await client.set(key, JSON.stringify(value));
      return value;
    },
    close,
  };
}

async function openOurs(address, options = {}) {
  const app = await NestFactory.createApplicationContext(
    RedisModule.forRoot({ ...address, startup: 'require' }),
    { logger: false },
  );
  const client = app.get(getRedisToken());
  return {
    client,
    cache: new RedisCache(client, app.get(KeyBuilder), options),
    close: () => app.close(),
  };
}

function bentoRedis(address) {
  return redisDriver({ connection: { ...address, enableAutoPipelining: true } });
}

async function openBento(store) {
  const bento = new BentoCache({ default: 'cache', stores: { cache: store } });
  return {
    knowsTags: true,
    getOrLoad: (key, load, tags) =>
      bento.getOrSet({ key, factory: load, ttl: '1h', ...(tags && { tags }) }),
    close: () => bento.disconnect(),
  };
}

/** Fills every cache, and checks that each returns what was stored. */
async function prepare(candidates, kind, tags) {
  const contenders = {};
  const keys = Array.from({ length: ENTRIES }, (_, i) => `${kind.replaceAll(/\W/g, '')}-${i}`);
  const tagsOf = (i) => (Array.isArray(tags?.[0]) ? tags[i] : tags);
  for (const [name, { getOrLoad, knowsTags }] of Object.entries(candidates)) {
    if (tags && !knowsTags && name !== PLAIN) continue;
    for (let i = 0; i < ENTRIES; i++) await getOrLoad(keys[i], () => valueOf(i), tagsOf(i));
    const hit = (i) => getOrLoad(keys[i % ENTRIES], unexpected, tagsOf(i % ENTRIES));
    const unexpected = () => {
      throw new Error(`${name} has missed`);
    };
    if (JSON.stringify(await hit(7)) !== valueText(7)) throw new Error(`${name} returns another`);
    contenders[name] = hit;
  }
  return contenders;
}

async function compare(subject, callers, contenders) {
  const measured = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, act] of Object.entries(contenders)) {
      // Slow ones are measured on a part of the work.
      const isSlow = name === BENTO && subject !== 'hit, no tags';
      const part = isSlow ? 0.02 : name === PLAIN || name === OURS ? 1 : 0.25;
      const cost = await measure(act, callers, Math.ceil(TIMES[callers] * part));
      if (round > 0) measured[name].push(cost); // the first round warms up
    }
  }
  const of = (name, what) => median(measured[name].map((cost) => cost[what]));
  for (const name of Object.keys(contenders)) {
    const rate = of(name, 'rate');
    const cpu = of(name, 'cpu');
    const timesRate = (rate / of(PLAIN, 'rate')).toFixed(2);
    const timesCpu = (cpu / of(PLAIN, 'cpu')).toFixed(2);
    const row = [subject, `${callers} callers`, name, `${Math.round(rate)}/s`, timesRate];
    print([...row, `${cpu.toFixed(1)} us of CPU`, timesCpu]);
  }
}

/** Times per second, and the microseconds of this process that each takes, its threads included. */
async function measure(act, callers, times) {
  let done = 0;
  const before = process.cpuUsage();
  const start = performance.now();
  const caller = async () => {
    while (done < times) await act(done++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const rate = (times / (performance.now() - start)) * 1_000;
  const { user, system } = process.cpuUsage(before);
  return { rate, cpu: (user + system) / times };
}

async function missInOneProcess(candidates) {
  for (const [name, { getOrLoad }] of Object.entries(candidates)) {
    const { loads, ms } = await missConcurrently(getOrLoad, `cold: ${name}`);
    print([`one process, ${CALLERS} callers of a cold key`, name, `${loads} loads`, `${ms} ms`]);
  }
}

async function missConcurrently(getOrLoad, key) {
  let loads = 0;
  const load = async () => {
    loads++;
    await sleep(LOAD_MS);
    return valueOf(0);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: CALLERS }, () => getOrLoad(key, load)));
  return { loads, ms: Math.round(performance.now() - start) };
}

async function missInManyProcesses({ host, port, url }, name) {
  const args = ['--process', name, host, `${port}`, url];
  const file = fileURLToPath(import.meta.url);
  const children = Array.from({ length: PROCESSES }, () => fork(file, args));
  await Promise.all(children.map((child) => once(child, 'message')));
  for (const child of children) child.send('go');
  const replies = await Promise.all(children.map((child) => once(child, 'message')));
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  const loads = replies.reduce((sum, [reply]) => sum + reply.loads, 0);
  const slowest = Math.max(...replies.map(([reply]) => reply.ms));
  const subject = `${PROCESSES} processes, ${CALLERS} callers each of a cold key`;
  print([subject, name, `${loads} loads`, `the last is served after ${slowest} ms`]);
}

async function missTogether(name, host, port, url) {
  const candidates = await open({ host, port: Number(port), url }, [name]);
  const { getOrLoad, close } = candidates[name];
  await getOrLoad(`warm-${process.pid}`, () => 1); // connected, and scripts known
  process.send('ready');
  await once(process, 'message');
  process.send(await missConcurrently(getOrLoad, 'cold-for-all'));
  await close();
  process.disconnect();
}

/** The time of a call whose loader takes no time. */
async function withoutRedis(server) {
  const proxy = await startFaultProxy(server);
  const { cache, client, close } = await openOurs({ host: proxy.host, port: proxy.port });
  client.on('error', () => undefined);
  const ask = async (i) => {
    const start = performance.now();
    await cache.getOrLoad(`away-${i}`, () => valueOf(i));
    return performance.now() - start;
  };
  const report = async (situation, callers, times) => {
    let asked = 0;
    const took = [];
    const caller = async () => {
      while (asked < times) {
        took.push(await ask(asked++));
        await nextTurn(); // without Redis there is nothing to wait for, and timers would starve
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    took.sort((a, b) => a - b);
    const at = (part) => `${took[Math.floor(took.length * part)].toFixed(2)} ms`;
    const row = [`away, ${situation}`, `${callers} callers`, OURS];
    print([...row, `median ${at(0.5)}`, `99% ${at(0.99)}`, `longest ${at(1 - 1e-9)}`]);
  };
  await report('not at all: misses', 1, 2_000);
  proxy.stall();
  await report('frozen, before the breaker opens', 1, 5);
  await report('frozen, breaker open', 1, 2_000);
  await report('frozen, breaker open', 64, 20_000);
  await proxy.heal();
  await sleep(2_000);
  await proxy.cut();
  await sleep(100);
  await report('dead, not connected', 1, 2_000);
  await report('dead, not connected', 64, 20_000);
  await proxy.heal();
  await close();
  await proxy.stop();
}

function print(cells) {
  console.log(cells.join(' | '));
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
