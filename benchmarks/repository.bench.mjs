/**
 * Typed repositories against plain auto-pipelined ioredis, against our own client used plainly, and
 * against redis-om over node-redis, in one run. redis-om keeps entities as hashes, because its JSON
 * needs a Redis module.
 *
 * Usage: npm run build && node benchmarks/repository.bench.mjs
 */
import 'reflect-metadata';
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
import { Repository, Schema } from 'redis-om';

const ROUNDS = 9;
const ENTITIES = 1_000;
const TTL_S = 3_600;

class User {}
/** Decorators as calls: this file is plain JavaScript. */
const decorate = (property, ...decorators) => {
  for (const decorator of decorators) decorator(User.prototype, property);
};
decorate('id', EntityId(), IsString());
decorate('firstName', IsString(), Length(1, 100));
decorate('lastName', IsString(), Length(1, 100));
decorate('email', IsEmail());
decorate('age', IsInt(), Min(0));
decorate(
  'createdAt',
  IsDate(),
  Type(() => Date),
);
decorate(
  'updatedAt',
  IsDate(),
  Type(() => Date),
);
RedisEntity({ kind: 'user', ttl: '1h' })(User);

const server = await startRedis();
const { host, port } = server;
const app = await NestFactory.createApplicationContext(
  {
    module: class AppModule {},
    imports: [
      RedisModule.forRoot({ host, port, startup: 'require' }),
      RedisModule.forFeature([User]),
    ],
  },
  { logger: false },
);
const ours = app.get(getRedisToken());
const users = app.get(getRedisRepositoryToken(User), { strict: false });
const plain = new Redis({ host, port, enableAutoPipelining: true });
const nodeRedis = await createClient({ url: server.url }).connect();
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

const user = (i) =>
  Object.assign(new User(), {
    id: `id-${i}`,
    firstName: 'Ada',
    lastName: 'Lovelace',
    email: `ada${i}@example.com`,
    age: 36,
    createdAt: new Date(1_700_000_000_000 + i),
    updatedAt: new Date(1_700_000_000_000 + i),
  });
const entities = Array.from({ length: ENTITIES }, (_, i) => user(i));
const ids = entities.map(({ id }) => id);
const keys = ids.map((id) => `plain:${id}`);
for (let i = 0; i < ENTITIES; i++) {
  await users.save(entities[i]);
  await plain.set(keys[i], JSON.stringify(entities[i]), 'EX', TTL_S);
  await om.save(ids[i], { ...entities[i] });
  await om.expire(ids[i], TTL_S);
}
const hundred = (i) => (i * 100) % ENTITIES;

/** Name -> what each contender does for the i-th time. The first contender is the base. */
const subjects = {
  'one read': {
    callers: [1, 64, 256],
    times: 100_000,
    contenders: {
      'ioredis GET + JSON.parse': async (i) => JSON.parse(await plain.get(keys[i % ENTITIES])),
      'our client GET + JSON.parse': async (i) => JSON.parse(await ours.get(keys[i % ENTITIES])),
      'repository.getById': (i) => users.getById(ids[i % ENTITIES]),
      'redis-om fetch': (i) => om.fetch(ids[i % ENTITIES]),
      'node-redis GET + JSON.parse': async (i) =>
        JSON.parse(await nodeRedis.get(keys[i % ENTITIES])),
    },
  },
  'one hundred reads': {
    callers: [1, 8],
    times: 3_000,
    contenders: {
      'ioredis MGET + 100 JSON.parse': async (i) =>
        (await plain.mget(keys.slice(hundred(i), hundred(i) + 100))).map((text) =>
          JSON.parse(text),
        ),
      'repository.getAll': (i) => users.getAll(ids.slice(hundred(i), hundred(i) + 100)),
      'redis-om fetch(...ids)': (i) => om.fetch(...ids.slice(hundred(i), hundred(i) + 100)),
      'ioredis 100 sequential GETs': async (i) => {
        const read = [];
        for (const key of keys.slice(hundred(i), hundred(i) + 100))
          read.push(JSON.parse(await plain.get(key)));
        return read;
      },
    },
  },
  'one save': {
    callers: [1, 64],
    times: 50_000,
    contenders: {
      'ioredis SET EX of JSON.stringify': (i) =>
        plain.set(keys[i % ENTITIES], JSON.stringify(entities[i % ENTITIES]), 'EX', TTL_S),
      'repository.save, validated': (i) => users.save(entities[i % ENTITIES]),
      'redis-om save, then expire': async (i) => {
        await om.save(ids[i % ENTITIES], entities[i % ENTITIES]);
        await om.expire(ids[i % ENTITIES], TTL_S);
      },
    },
  },
  'one update': {
    callers: [1, 64],
    times: 20_000,
    contenders: {
      'ioredis GET, then SET KEEPTTL: not safe': async (i) => {
        const value = JSON.parse(await plain.get(keys[i % ENTITIES]));
        value.age = i;
        await plain.set(keys[i % ENTITIES], JSON.stringify(value), 'KEEPTTL');
      },
      'repository.update, validated, safe': (i) => users.update(ids[i % ENTITIES], { age: i }),
    },
  },
};

const only = process.argv[2];
console.log(`${server.kind} server, Node ${process.versions.node}, medians of ${ROUNDS} rounds`);
for (const [subject, { callers, times, contenders }] of Object.entries(subjects)) {
  if (only && !subject.includes(only)) continue;
  for (const count of callers) {
    const rates = Object.fromEntries(Object.keys(contenders).map((name) => [name, []]));
    for (let round = 0; round <= ROUNDS; round++) {
      for (const [name, act] of Object.entries(contenders)) {
        // Slow ones are measured on a part of the work.
        const part = /sequential|redis-om/.test(name) ? 0.1 : count === 1 ? 0.2 : 1;
        const rate = await measure(act, count, Math.ceil(times * part));
        if (round > 0) rates[name].push(rate); // the first round warms up
      }
    }
    const [base] = Object.values(rates).map(median);
    for (const [name, measured] of Object.entries(rates)) {
      const rate = median(measured);
      const row = [
        subject,
        `${count} callers`,
        name,
        `${Math.round(rate)}/s`,
        (rate / base).toFixed(2),
      ];
      console.log(row.join(' | '));
    }
  }
}

await app.close();
plain.disconnect();
await nodeRedis.quit();
await server.stop();

/** Times per second. */
async function measure(act, callers, times) {
  let done = 0;
  const start = performance.now();
  const caller = async () => {
    while (done < times) await act(done++);
  };
  await Promise.all(Array.from({ length: callers }, caller));
  return (times / (performance.now() - start)) * 1_000;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
}
