/**
 * Typed repositories against plain auto-pipelined ioredis, against our own plain client, against node-redis
 * and valkey-glide, and against redis-om over node-redis, in one run. redis-om keeps entities as hashes,
 * because its JSON needs a Redis module. Each round measures all contenders, in the opposite order of the
 * round before.
 *
 * Usage: npm run build && node benchmarks/repository.bench.mjs [part of a row's name]
 */
import 'reflect-metadata';
import { GlideClient } from '@valkey/valkey-glide';
import { NestFactory } from '@nestjs/core';
import { Type } from 'class-transformer';
import { IsDate, IsEmail, IsInt, IsString, Length, Min } from 'class-validator';
import { Redis } from 'ioredis';
import {
  EntityId,
  getRedisRepositoryToken,
  getRedisToken,
  RedisEntity,
  RedisModule,
} from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';
import { createClient } from 'redis';
import { createClient as createClient6 } from 'redis-6';
import { Repository, Schema } from 'redis-om';

const ROUNDS = 9;
const ENTITIES = 1_000;
const TTL_S = 3_600;

/** Decorators as calls: this file is plain JavaScript. */
function declare(entity, kind, decorators) {
  for (const [property, list] of Object.entries(decorators)) {
    for (const decorator of list) decorator(entity.prototype, property);
  }
  RedisEntity({ kind, ttl: '1h' })(entity);
  return entity;
}

const COMMON = {
  id: [EntityId(), IsString()],
  firstName: [IsString(), Length(1, 100)],
  lastName: [IsString(), Length(1, 100)],
  age: [IsInt(), Min(0)],
};
const asDate = () => [IsDate(), Type(() => Date)];
class User {}
declare(User, 'user', { ...COMMON, email: [IsEmail()], createdAt: asDate(), updatedAt: asDate() });
class Item {}
declare(Item, 'item', { ...COMMON, code: [IsString()], shelf: [IsString()], price: [IsInt()] });

const common = (i) => ({ id: `id-${i}`, firstName: 'Ada', lastName: 'Lovelace', age: 36 });
const at = (i) => new Date(1_700_000_000_000 + i);
/** The price of reading depends on dates, that of saving on rules: e-mails are expensive to check. */
const SHAPES = {
  'two dates, an e-mail': {
    entity: User,
    make: (i) => ({
      ...common(i),
      email: `ada${i}@example.com`,
      createdAt: at(i),
      updatedAt: at(i),
    }),
  },
  'texts and numbers': {
    entity: Item,
    make: (i) => ({ ...common(i), code: `ada${i}@example.com`, shelf: at(i).toJSON(), price: i }),
  },
};

const server = await startRedis();
const { host, port } = server;
const app = await NestFactory.createApplicationContext(
  {
    module: class AppModule {},
    imports: [
      RedisModule.forRoot({ host, port, startup: 'require' }),
      RedisModule.forFeature(Object.values(SHAPES).map(({ entity }) => entity)),
    ],
  },
  { logger: false },
);
const ours = app.get(getRedisToken());
const plain = new Redis({ host, port, enableAutoPipelining: true });
const nodeRedis = await createClient({ url: server.url }).connect();
const nodeRedis6 = await createClient6({ url: server.url }).connect();
const glide = await GlideClient.createClient({ addresses: [{ host, port }] });
const om = new Repository(
  new Schema(
    'om-user',
    {
      firstName: { type: 'string' },
      lastName: { type: 'string' },
      email: { type: 'string' },
      age: { type: 'number' },
      createdAt: { type: 'date' },
      updatedAt: { type: 'date' },
    },
    { dataStructure: 'HASH' },
  ),
  nodeRedis,
);

const only = process.argv[2];
console.log(`${server.kind} server, Node ${process.versions.node}, medians of ${ROUNDS} rounds`);
for (const [shape, { entity, make }] of Object.entries(SHAPES)) {
  const subjects = await prepare(entity, make);
  for (const [subject, { callers, times, contenders }] of Object.entries(subjects)) {
    if (only && !`${shape}, ${subject}`.includes(only)) continue;
    for (const count of callers) await compare(`${shape} | ${subject}`, count, times, contenders);
  }
}

await app.close();
plain.disconnect();
await nodeRedis.quit();
nodeRedis6.destroy();
glide.close();
await server.stop();

/** Name -> what each contender does for the i-th time. The first contender is the base. */
async function prepare(entity, make) {
  const repository = app.get(getRedisRepositoryToken(entity), { strict: false });
  const entities = Array.from({ length: ENTITIES }, (_, i) => Object.assign(new entity(), make(i)));
  const ids = entities.map(({ id }) => id);
  const keys = ids.map((id) => `plain:${id}`);
  for (let i = 0; i < ENTITIES; i++) {
    await repository.save(entities[i]);
    await plain.set(keys[i], JSON.stringify(entities[i]), 'EX', TTL_S);
    await om.save(ids[i], { ...entities[i] });
  }
  const one = (i) => i % ENTITIES;
  const hundred = (list, i) => list.slice((i * 100) % ENTITIES, ((i * 100) % ENTITIES) + 100);
  const withRedisOm = entity === User; // its schema is that of users
  return {
    'one read': {
      callers: [1, 64, 256],
      times: 100_000,
      contenders: {
        'ioredis GET + JSON.parse': async (i) => JSON.parse(await plain.get(keys[one(i)])),
        'our client GET + JSON.parse': async (i) => JSON.parse(await ours.get(keys[one(i)])),
        'repository.getById': (i) => repository.getById(ids[one(i)]),
        'node-redis 4 GET + JSON.parse': async (i) => JSON.parse(await nodeRedis.get(keys[one(i)])),
        ...(withRedisOm && {
          'redis-om fetch': (i) => om.fetch(ids[one(i)]),
          'node-redis 6 GET + JSON.parse': async (i) =>
            JSON.parse(await nodeRedis6.get(keys[one(i)])),
          'valkey-glide GET + JSON.parse': async (i) => JSON.parse(await glide.get(keys[one(i)])),
        }),
      },
    },
    'a hundred reads': {
      callers: [1, 8],
      times: 3_000,
      contenders: {
        'ioredis MGET + 100 JSON.parse': async (i) =>
          (await plain.mget(hundred(keys, i))).map((text) => JSON.parse(text)),
        'repository.getAll': (i) => repository.getAll(hundred(ids, i)),
        'ioredis 100 sequential GETs': async (i) => {
          for (const key of hundred(keys, i)) JSON.parse(await plain.get(key));
        },
        ...(withRedisOm && {
          'redis-om fetch(...ids)': (i) => om.fetch(...hundred(ids, i)),
        }),
      },
    },
    'one save': {
      callers: [1, 64],
      times: 50_000,
      contenders: {
        'ioredis SET EX of JSON.stringify': (i) =>
          plain.set(keys[one(i)], JSON.stringify(entities[one(i)]), 'EX', TTL_S),
        'repository.save, validated': (i) => repository.save(entities[one(i)]),
        ...(withRedisOm && {
          'redis-om save, then expire': async (i) => {
            await om.save(ids[one(i)], entities[one(i)]);
            await om.expire(ids[one(i)], TTL_S);
          },
        }),
      },
    },
    'one update': {
      callers: [1, 64],
      times: 20_000,
      contenders: {
        'ioredis GET, then SET KEEPTTL: not safe': async (i) => {
          const value = JSON.parse(await plain.get(keys[one(i)]));
          value.age = i;
          await plain.set(keys[one(i)], JSON.stringify(value), 'KEEPTTL');
        },
        'repository.update, validated, safe': (i) => repository.update(ids[one(i)], { age: i }),
      },
    },
  };
}

async function compare(subject, callers, times, contenders) {
  const costs = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
  const inOrder = Object.entries(contenders);
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, act] of round % 2 ? inOrder : inOrder.toReversed()) {
      // Slow ones are measured on a part of the work.
      const part = /sequential|redis-om|glide/.test(name) ? 0.1 : callers === 1 ? 0.2 : 1;
      const cost = await measure(act, callers, Math.ceil(times * part));
      if (round > 0) costs[name].push(cost); // the first round warms up
    }
  }
  const of = (name, what) => costs[name].map((cost) => cost[what]).sort((a, b) => a - b);
  const [base] = Object.keys(contenders);
  for (const name of Object.keys(contenders)) {
    const [rates, cpus] = [of(name, 'rate'), of(name, 'cpu')];
    const times = (what) => (median(of(name, what)) / median(of(base, what))).toFixed(2);
    console.log(
      [
        ...[subject, `${callers} callers`, name, `${Math.round(median(rates))}/s`, times('rate')],
        `${Math.round(rates[0])} to ${Math.round(rates.at(-1))}/s`,
        `${median(cpus).toFixed(1)} us of CPU (${cpus[0].toFixed(1)} at least)`,
        times('cpu'),
      ].join(' | '),
    );
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

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
