/**
 * Cost of telemetry: the injected client without listeners, with the log, and with the log and
 * metrics; and `getById` with and without metrics. Against plain auto-pipelined ioredis, in one run,
 * and against ioredis with a listener to its own diagnostics channel that only reads the clock.
 *
 * Usage: npm run build && node benchmarks/telemetry.bench.mjs
 */
import 'reflect-metadata';
import { tracingChannel } from 'node:diagnostics_channel';
import { loadavg } from 'node:os';
import { ModulesContainer, NestFactory } from '@nestjs/core';
import { Type } from 'class-transformer';
import { IsDate, IsEmail, IsInt, IsString } from 'class-validator';
import { Redis } from 'ioredis';
import {
  EntityId,
  getRedisRepositoryToken,
  getRedisToken,
  RedisEntity,
  RedisModule,
} from 'nestjs-redis-data';
import { RedisMetricsModule } from 'nestjs-redis-data/metrics';
import { startRedis } from 'nestjs-redis-data/testing';
import { Registry } from 'prom-client';

const ROUNDS = 9;
const TIMES = { 1: 5_000, 64: 60_000 };
const ENTITIES = 1_000;

/** The channel belongs to the process: it is listened to only while this one is measured. */
const CHANNEL_HEARD = 'ioredis, auto-pipelined, its channel heard';
const channel = tracingChannel('ioredis:command');
const starts = new WeakMap();
const listener = {
  start: (context) => starts.set(context, performance.now()),
  asyncEnd: (context) => performance.now() - starts.get(context),
};

/** Decorators as calls: this file is plain JavaScript. */
class User {}
for (const [property, decorators] of Object.entries({
  id: [EntityId(), IsString()],
  firstName: [IsString()],
  email: [IsEmail()],
  age: [IsInt()],
  createdAt: [IsDate(), Type(() => Date)],
})) {
  for (const decorator of decorators) decorator(User.prototype, property);
}
RedisEntity({ kind: 'user', ttl: '1h' })(User);

/** A production log, without its output: levels from `log` upwards. */
const quiet = () => undefined;
const logger = { log: quiet, warn: quiet, error: quiet, fatal: quiet };

const server = await startRedis();
const { host, port } = server;
const plain = new Redis({ host, port, enableAutoPipelining: true });
const silent = await start();
silence(silent);
const apps = { 'no listener': silent, log: await start() };
apps['log and metrics'] = await start(RedisMetricsModule.forRoot({ registry: new Registry() }));
const names = Object.keys(apps);

const ids = Array.from({ length: ENTITIES }, (_, i) => `id-${i}`);
const keys = ids.map((id) => `plain:${id}`);
for (const [i, id] of ids.entries()) {
  const createdAt = new Date(1_700_000_000_000 + i);
  const user = { id, firstName: 'Ada', email: `ada${i}@example.com`, age: 36, createdAt };
  await repositoryOf(silent).save(user);
  await plain.set(keys[i], JSON.stringify(user), 'EX', 3_600);
}

console.log(`${server.kind} server, Node ${process.versions.node}, medians of ${ROUNDS} rounds`);
await compare('GET', {
  'ioredis, auto-pipelined': (i) => plain.get(keys[i]),
  [CHANNEL_HEARD]: (i) => plain.get(keys[i]),
  ...contenders((app) => {
    const client = app.get(getRedisToken(), { strict: false });
    return (i) => client.get(keys[i]);
  }),
});
await compare('one entity', {
  'ioredis GET + JSON.parse': async (i) => JSON.parse(await plain.get(keys[i])),
  ...contenders((app) => {
    const repository = repositoryOf(app);
    return (i) => repository.getById(ids[i]);
  }),
});

for (const app of Object.values(apps)) await app.close();
plain.disconnect();
await server.stop();

function start(...metrics) {
  return NestFactory.createApplicationContext(
    {
      module: class AppModule {},
      imports: [
        RedisModule.forRoot({ host, port, startup: 'require', app: 'bench' }),
        RedisModule.forFeature([User]),
        ...metrics,
      ],
    },
    { logger },
  );
}

/** There is no option for this: only a benchmark wants to know. */
function silence(app) {
  for (const { providers } of app.get(ModulesContainer).values()) {
    for (const { name, instance } of providers.values()) {
      if (name === 'Telemetry') instance.hears = () => false;
    }
  }
}

function repositoryOf(app) {
  return app.get(getRedisRepositoryToken(User), { strict: false });
}

function contenders(make) {
  return Object.fromEntries(names.map((name) => [name, make(apps[name])]));
}

async function compare(subject, acts) {
  for (const [callers, times] of Object.entries(TIMES)) {
    const measured = Object.fromEntries(Object.keys(acts).map((name) => [name, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, act] of Object.entries(acts)) {
        if (name === CHANNEL_HEARD) channel.subscribe(listener);
        const costs = await measure(act, Number(callers), times);
        channel.unsubscribe(listener);
        if (round > 0) measured[name].push(costs); // the first round warms up
      }
    }
    const medians = Object.values(measured).map((costs) => ({
      wallUs: median(costs.map(({ wallUs }) => wallUs)),
      cpuUs: median(costs.map(({ cpuUs }) => cpuUs)),
    }));
    const [base] = medians;
    console.log(`${subject}, ${callers} callers, load ${loadavg()[0].toFixed(1)}`);
    for (const [i, { wallUs, cpuUs }] of medians.entries()) {
      const name = Object.keys(acts)[i];
      const ratios = [
        `x${(base.wallUs / wallUs).toFixed(2)}`,
        `x${(base.cpuUs / cpuUs).toFixed(2)}`,
      ];
      console.log(
        `  ${name} | ${Math.round(1e6 / wallUs)}/s ${ratios[0]} | ${cpuUs.toFixed(1)} us CPU ${ratios[1]}`,
      );
    }
  }
}

/**
 * Time of one call, and its CPU time. The CPU time, of this process alone, says more on a machine that
 * has other work to do.
 */
async function measure(act, callers, times) {
  let done = 0;
  const begun = performance.now();
  const cpu = process.cpuUsage();
  const caller = async () => {
    while (done < times) await act(done++ % ENTITIES);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const { user, system } = process.cpuUsage(cpu);
  const wallUs = (performance.now() - begun) * 1_000;
  return { wallUs: wallUs / times, cpuUs: (user + system) / times };
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
