/**
 * The injected client, whose commands have deadlines and whose errors know their command, against
 * plain auto-pipelined ioredis, with and without its own `commandTimeout`, node-redis and valkey-glide, in one
 * run.
 *
 * Usage: npm run build && node benchmarks/client.bench.mjs
 */
import 'reflect-metadata';
import { GlideClient } from '@valkey/valkey-glide';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import { getRedisToken, RedisModule } from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';
import { createClient } from 'redis';
import { createClient as createClient6 } from 'redis-6';

const ROUNDS = 9;
const COMMANDS = { 1: 20_000, 64: 200_000 };

const server = await startRedis();
const { host, port } = server;
const app = await NestFactory.createApplicationContext(
  RedisModule.forRoot({ host, port, startup: 'require' }),
  { logger: false },
);
const shared = { host, port, enableAutoPipelining: true };
const clients = {
  'ioredis, auto-pipelined': new Redis(shared),
  'ioredis, auto-pipelined, commandTimeout': new Redis({ ...shared, commandTimeout: 5_000 }),
  'injected client': app.get(getRedisToken()),
  'node-redis 4': await createClient({ url: server.url }).connect(),
  'node-redis 6': await createClient6({ url: server.url }).connect(),
  'valkey-glide': await GlideClient.createClient({ addresses: [{ host, port }] }),
};
await clients['ioredis, auto-pipelined'].set('k', 'x'.repeat(100));

console.log(`GET of 100 bytes, ${server.kind} server, Node ${process.versions.node}`);
for (const [callers, commands] of Object.entries(COMMANDS)) {
  const rates = Object.fromEntries(Object.keys(clients).map((name) => [name, []]));
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, client] of Object.entries(clients)) {
      const part = name === 'valkey-glide' ? 0.1 : 1;
      const rate = await measure(client, Number(callers), commands * part);
      if (round > 0) rates[name].push(rate); // the first round warms up
    }
  }
  const base = median(rates['ioredis, auto-pipelined']);
  for (const [name, measured] of Object.entries(rates)) {
    const rate = median(measured);
    const row = [`${callers} callers`, name, `${Math.round(rate)}/s`, (rate / base).toFixed(2)];
    console.log(row.join(' | '));
  }
}

await app.close();
for (const client of Object.values(clients)) {
  if (client instanceof GlideClient) client.close();
  else if (client.status !== 'end') await client.disconnect();
}
await server.stop();

/** Commands per second. */
async function measure(client, callers, commands) {
  let sent = 0;
  const start = performance.now();
  const caller = async () => {
    while (sent < commands) {
      sent++;
      await client.get('k');
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (commands / (performance.now() - start)) * 1_000;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
