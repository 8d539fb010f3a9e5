/**
 * Cost of the serializers of cached values, in one run: bytes in Redis, and the CPU time of this process
 * for a hit and for a write, at four sizes. Ends with the time for which compression blocks the event loop.
 *
 * Usage: npm run build && node benchmarks/serializers.bench.mjs [part of a serializer's name]
 */
import 'reflect-metadata';
import { deepStrictEqual } from 'node:assert';
import { Buffer } from 'node:buffer';
import { cpus } from 'node:os';
import { NestFactory } from '@nestjs/core';
import {
  compressed,
  getRedisToken,
  jsonSerializer,
  KeyBuilder,
  RedisCache,
  RedisModule,
} from 'nestjs-redis-data';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';
import { startRedis } from 'nestjs-redis-data/testing';

const ROUNDS = 7;
const CALLERS = 16;
/** How many orders a value has, and how often it is read and written in one round. */
const SIZES = {
  '100 B': { orders: 0, times: 8_000 },
  '1 kB': { orders: 5, times: 4_000 },
  '10 kB': { orders: 50, times: 800 },
  '100 kB': { orders: 500, times: 120 },
};
const SERIALIZERS = {
  JSON: jsonSerializer,
  'JSON, compressed': compressed(jsonSerializer, { above: 0 }),
  MessagePack: msgpackSerializer,
  'MessagePack, compressed': compressed(msgpackSerializer, { above: 0 }),
};

const server = await startRedis();
const only = process.argv[2] ?? '';
const names = Object.keys(SERIALIZERS).filter((name) => name.includes(only));
console.log(
  `${server.kind} server, Node ${process.versions.node}, ${cpus().length} x ${cpus()[0].model}, ` +
    `medians of ${ROUNDS} interleaved rounds, ${CALLERS} callers`,
);
const app = await NestFactory.createApplicationContext(
  RedisModule.forRoot({ host: server.host, port: server.port, startup: 'require' }),
  { logger: false },
);
const client = app.get(getRedisToken());
const keys = app.get(KeyBuilder);

console.log('value     serializer               bytes in Redis   us per hit   us per write');
for (const [size, { orders, times }] of Object.entries(SIZES)) {
  const value = orders === 0 ? summary() : Array.from({ length: orders }, (_, i) => orderOf(i));
  const caches = names.map((name) => {
    // A busy machine often pauses for 250 ms, which would count as an outage.
    const options = { timeout: '10s', serializer: SERIALIZERS[name] };
    return { name, cache: new RedisCache(client, keys, options), hit: [], write: [] };
  });
  for (let round = 0; round < ROUNDS; round++) {
    for (const { name, cache, hit, write } of caches) {
      const writes = Math.ceil(times / 4);
      write.push(await cpuPerCall(writes, (caller) => cache.set([size, name, caller], value)));
      hit.push(await cpuPerCall(times, (caller) => cache.get([size, name, caller])));
    }
  }
  for (const { name, cache, hit, write } of caches) {
    deepStrictEqual(await cache.get([size, name, 0]), value);
    const bytes = await client.strlen(keys.key('cache', size, name, 0));
    const columns = [`${bytes}`.padStart(14), median(hit).padStart(12), median(write).padStart(14)];
    console.log(`${size.padEnd(9)} ${name.padEnd(24)} ${columns.join(' ')}`);
  }
}

for (const [size, { orders }] of Object.entries(SIZES).slice(1)) {
  const value = Array.from({ length: orders }, (_, i) => orderOf(i));
  const body = Buffer.from(SERIALIZERS['JSON, compressed'].serialize(value, 'k'));
  const text = Buffer.from(JSON.stringify(value));
  const asText = { name: 'text', serialize: () => text, deserialize: (bytes) => bytes };
  const zip = compressed(asText, { above: 0 });
  const took = (work) => median(Array.from({ length: 50 }, () => msOf(work)));
  const [write, read] = [
    took(() => zip.serialize(text, 'k')),
    took(() => zip.deserialize(body, 'k')),
  ];
  console.log(`${size}: compressing takes ${write} ms, decompressing ${read} ms`);
}
await app.close();
await server.stop();

/** About 100 bytes of JSON. */
function summary() {
  return { id: 17, title: 'The title of a post', author: 'Ada Lovelace', likes: 42, public: true };
}

/** About 200 bytes of JSON, with what orders have: ids, dates, prices, names, a little text. */
function orderOf(i) {
  const at = new Date(1_760_000_000_000 + pseudoRandom(i) * 1e9).toISOString();
  return {
    id: `ord_${pseudoRandom(i + 0.1)
      .toString(36)
      .slice(2, 14)}`,
    customer: { id: Math.floor(pseudoRandom(i + 0.2) * 1e6), country: 'DE' },
    placedAt: at,
    status: ['open', 'paid', 'sent', 'returned'][Math.floor(pseudoRandom(i + 0.3) * 4)],
    total: Math.floor(pseudoRandom(i + 0.4) * 100_000) / 100,
    lines: 1 + Math.floor(pseudoRandom(i + 0.5) * 9),
    express: pseudoRandom(i + 0.6) > 0.8,
    note: Array.from({ length: 5 }, (_, word) => wordOf(i * 5 + word)).join(' '),
  };
}

function wordOf(i) {
  const syllables = ['ka', 'to', 'mi', 're', 'lun', 'dor', 'sel', 'ban'];
  const at = (part) => Math.floor(pseudoRandom(i + part) * syllables.length);
  return syllables[at(0.7)] + syllables[at(0.8)];
}

/** The same in each run, from 0 to 1. */
function pseudoRandom(seed) {
  const value = Math.sin(seed * 12.9898 + 78.233) * 43_758.5453;
  return value - Math.floor(value);
}

/** CPU time of this process for each call, in microseconds. Each caller has a key of its own. */
async function cpuPerCall(times, call) {
  let left = times;
  const caller = async (_, i) => {
    while (left-- > 0) await call(i);
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: CALLERS }, caller));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / times;
}

function msOf(work) {
  const startedAt = performance.now();
  work();
  return performance.now() - startedAt;
}

function median(numbers) {
  const middle = numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)];
  return middle.toPrecision(3);
}
