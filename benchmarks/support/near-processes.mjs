/**
 * Eight processes that read the same 10,000 keys and change one in a hundred of what they read: reads per
 * second of all of them, what each read costs Redis, and how old what was read had become.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { startRedis } from 'nestjs-redis-data/testing';
import { openBento, openOurs } from './near-caches.mjs';
import { conditions, median, print, writeResults } from './results.mjs';
import { seeded, zipf } from './zipf.mjs';

const PROCESSES = 8;
const CALLERS = 8;
const KEYS = 10_000;
const WRITES = 0.01;
const WARM_READS = 20_000;
const MEASURE_MS = 5_000;
const ROUNDS = 3;
const NEAR = { maxBytes: 2 ** 26, staleness: '500ms' };
const CANDIDATES = {
  'near copy, frozen': (server) =>
    openOurs(server, { near: { ...NEAR, shared: 'frozen' } }, 'shared'),
  'near copy': (server) => openOurs(server, { near: NEAR }, 'shared'),
  'no near copy': (server) => openOurs(server, {}, 'shared'),
  'bentocache, memory first, with its bus': openBento,
};

export async function compareProcesses() {
  const measured = Object.fromEntries(Object.keys(CANDIDATES).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    const names = Object.keys(CANDIDATES);
    for (const name of round % 2 === 0 ? names : names.reverse()) {
      const result = await runAll(name);
      measured[name].push(result);
      print([`${PROCESSES} processes`, name, JSON.stringify(result)]);
    }
  }
  const rows = Object.entries(measured).map(([name, results]) => {
    const of = (what) => results.map((result) => result[what]);
    return {
      name,
      readsPerSecond: median(of('readsPerSecond')),
      cpuUs: median(of('cpuUs')),
      commands: median(of('commands')),
      bytesIn: median(of('bytesIn')),
      bytesOut: median(of('bytesOut')),
      staleReads: Math.max(...of('staleReads')),
      longestStaleMs: Math.max(...of('longestStaleMs')),
    };
  });
  const how =
    `${PROCESSES} processes, ${CALLERS} callers each, ${KEYS} keys, Zipf(1.0), ${100 * WRITES} % of all ` +
    `calls invalidate and load again; medians of ${ROUNDS} rounds of ${MEASURE_MS / 1_000} s`;
  writeResults('near-processes', { ...conditions(how), rows });
}

async function runAll(name) {
  const server = await startRedis();
  const client = new Redis(server.port, server.host);
  const children = Array.from({ length: PROCESSES }, (_, seed) =>
    fork(
      fileURLToPath(import.meta.url),
      [JSON.stringify({ name, seed, host: server.host, port: server.port, url: server.url })],
      { serialization: 'advanced' },
    ),
  );
  const replies = () => Promise.all(children.map((child) => once(child, 'message')));
  const tell = (message) => children.forEach((child) => child.send(message));
  await replies(); // all are warm
  const before = await statsOf(client);
  const start = performance.now();
  tell('measure');
  await new Promise((resolve) => setTimeout(resolve, MEASURE_MS));
  const ended = replies();
  tell('end');
  const seconds = (performance.now() - start) / 1_000;
  const results = (await ended).map(([result]) => result);
  const after = await statsOf(client);
  await Promise.all(children.map((child) => child.exitCode ?? once(child, 'exit')));
  client.disconnect();
  await server.stop();
  const reads = results.reduce((sum, result) => sum + result.reads, 0);
  const cpu = results.reduce((sum, result) => sum + result.cpuUs, 0);
  const perRead = (what) => Number(((after[what] - before[what]) / reads).toFixed(3));
  return {
    readsPerSecond: Math.round(reads / seconds),
    cpuUs: Number((cpu / reads).toFixed(2)),
    commands: perRead('total_commands_processed'),
    bytesIn: perRead('total_net_input_bytes'),
    bytesOut: perRead('total_net_output_bytes'),
    ...stalenessIn(results),
  };
}

async function statsOf(client) {
  const lines = (await client.info('stats')).split('\r\n').map((line) => line.split(':'));
  return Object.fromEntries(lines.map(([name, value]) => [name, Number(value)]));
}

/**
 * A value is stale for a read if it was loaded before a change was committed whose invalidation was
 * acknowledged before the read began. All processes have one clock.
 */
function stalenessIn(results) {
  const changes = new Map();
  for (const { writes } of results) {
    for (let i = 0; i < writes.length; i += 3) {
      const [key, committedAt, acknowledgedAt] = writes.slice(i, i + 3);
      if (!changes.has(key)) changes.set(key, []);
      changes.get(key).push({ committedAt, acknowledgedAt });
    }
  }
  let [longestStaleMs, staleReads] = [0, 0];
  for (const { seen } of results) {
    for (let i = 0; i < seen.length; i += 3) {
      const [key, loadedAt, lastReadAt] = seen.slice(i, i + 3);
      const later = (changes.get(key) ?? []).filter(({ committedAt }) => committedAt > loadedAt);
      const since = Math.min(...later.map(({ acknowledgedAt }) => acknowledgedAt));
      if (lastReadAt <= since) continue;
      staleReads++;
      longestStaleMs = Math.max(longestStaleMs, lastReadAt - since);
    }
  }
  return { staleReads, longestStaleMs: Number(longestStaleMs.toFixed(2)) };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await readAndWrite();

async function readAndWrite() {
  const { name, seed, ...server } = JSON.parse(process.argv[2]);
  const cache = await CANDIDATES[name](server);
  const random = seeded(seed + 1);
  const rank = zipf(KEYS, 1, random);
  const ranks = Uint32Array.from({ length: 1_000_003 }, rank);
  const keys = Array.from({ length: KEYS }, (_, i) => `post-${i}`);
  // The clock of `performance` begins with the process; that of `hrtime` is one for all processes.
  const offset = Number(process.hrtime.bigint()) / 1e6 - performance.now();
  const now = () => offset + performance.now();
  const load = () => ({ loadedAt: now(), title: 'The title of a post', author: 'Ada Lovelace' });

  /** By key: the value that was read last, and when the last read of it began. */
  const loadedAt = new Float64Array(KEYS);
  const readAt = new Float64Array(KEYS);
  const seen = [];
  const writes = [];
  let reads = 0;
  let isOver = false;
  const read = async (i) => {
    const begin = now();
    const value = await cache.getOrLoad(keys[i], load);
    if (value.loadedAt !== loadedAt[i]) {
      if (loadedAt[i] > 0) seen.push(i, loadedAt[i], readAt[i]);
      loadedAt[i] = value.loadedAt;
      readAt[i] = begin;
    } else if (begin > readAt[i]) readAt[i] = begin;
    reads++;
  };
  const write = async (i) => {
    const committedAt = now();
    await cache.invalidate(keys[i]);
    writes.push(i, committedAt, now());
    await read(i);
  };
  let at = 0;
  const caller = async () => {
    for (let i = 1; !isOver; i++) {
      const key = ranks[at++ % ranks.length];
      await (random() < WRITES ? write(key) : read(key));
      if (i % 100 === 0) await nextTurn(); // what comes from Redis is read meanwhile
    }
  };

  // Each key once, in an order of its own: in the end all of them are where most reads find them.
  for (let i = 0; i < KEYS; i += 100) {
    const some = Array.from({ length: 100 }, (_, j) => (i + j + 1_250 * seed) % KEYS);
    await Promise.all(some.map(read));
  }
  const callers = Array.from({ length: CALLERS }, caller);
  while (reads < WARM_READS) await new Promise((resolve) => setTimeout(resolve, 10));
  process.send('warm');
  await once(process, 'message');
  const before = { reads, cpu: process.cpuUsage() };
  await once(process, 'message');
  const { user, system } = process.cpuUsage(before.cpu);
  const readsMeanwhile = reads - before.reads;
  isOver = true;
  await Promise.all(callers);
  for (let i = 0; i < KEYS; i++) if (loadedAt[i] > 0) seen.push(i, loadedAt[i], readAt[i]);
  const result = { reads: readsMeanwhile, cpuUs: user + system, seen, writes };
  await new Promise((resolve) => process.send(result, resolve));
  await cache.close();
  process.disconnect();
}
