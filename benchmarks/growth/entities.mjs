/** How memory, queries and iterations grow with the number of entities. */
import 'reflect-metadata';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { IsInt, IsString } from 'class-validator';
import { NestFactory } from '@nestjs/core';
import { Redis } from 'ioredis';
import {
  EntityId,
  getRedisRepositoryToken,
  Indexed,
  inRange,
  RedisEntity,
  RedisModule,
} from 'nestjs-redis-data';
import { startRedis } from 'nestjs-redis-data/testing';
import { conditions, median, print, writeResults } from '../support/results.mjs';

export const ENTITIES = [1_000, 10_000, 100_000, 1_000_000];
/** So many entities have the value that a query asks for. */
const MATCHES = 100;
const SLICE = 10_000;
const ROUNDS = 9;

/** Decorators as calls: this file is plain JavaScript. */
function declare(entity, kind, ...indexed) {
  for (const [property, rule] of [
    ['id', EntityId()],
    ['id', IsString()],
    ['name', IsString()],
    ['age', IsInt()],
    ['group', IsString()],
    ...indexed,
  ]) {
    rule(entity.prototype, property);
  }
  RedisEntity({ kind, ttl: '1h' })(entity);
  return entity;
}
const Plain = declare(class Plain {}, 'plain');
const Grouped = declare(class Grouped {}, 'grouped', ['group', Indexed()]);
const Aged = declare(class Aged {}, 'aged', ['age', Indexed({ range: true })]);

export async function measureEntities() {
  const rows = [];
  for (const entities of ENTITIES) {
    const server = await startRedis();
    const app = await NestFactory.createApplicationContext(
      {
        module: class AppModule {},
        imports: [
          RedisModule.forRoot({ host: server.host, port: server.port, startup: 'require' }),
          RedisModule.forFeature([Plain, Grouped, Aged]),
        ],
      },
      { logger: false },
    );
    const admin = new Redis(server.port, server.host);
    const repository = (entity) => app.get(getRedisRepositoryToken(entity), { strict: false });
    const plain = await saved(repository(Plain), Plain, entities, admin);
    await admin.flushall();
    const grouped = await saved(repository(Grouped), Grouped, entities, admin);
    const row = {
      entities,
      bytes: plain.bytes,
      indexBytes: grouped.bytes - plain.bytes,
      savesPerSecond: plain.perSecond,
      indexedSavesPerSecond: grouped.perSecond,
      ...(await queries(repository(Grouped), entities)),
    };
    await admin.flushall();
    const aged = await saved(repository(Aged), Aged, entities, admin);
    row.rangeBytes = aged.bytes - plain.bytes;
    row.rangedSavesPerSecond = aged.perSecond;
    Object.assign(row, await rangeQueries(repository(Aged)));
    rows.push(row);
    print(Object.entries(row).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`));
    await app.close();
    await admin.quit();
    await server.stop();
  }
  const how = `one connection, one caller, medians of ${ROUNDS} queries; ids() runs once`;
  writeResults('growth-entities', { ...conditions(how), rows });
}

async function queries(repository, entities) {
  return {
    findByMs: await medianMs((i) => repository.findBy({ group: `g${i}` })),
    pageMs: await medianMs(() => repository.page({ limit: MATCHES })),
    ...(await iteration(repository, entities)),
  };
}

/** Each query finds a hundred of the entities. */
async function rangeQueries(repository) {
  const hundred = (i) => ({ age: inRange({ gte: i * MATCHES, lt: (i + 1) * MATCHES }) });
  const sorted = { sortBy: 'age', limit: MATCHES };
  return {
    rangeFindByMs: await medianMs((i) => repository.findBy(hundred(i))),
    countByMs: await medianMs((i) => repository.countBy(hundred(i))),
    pageByMs: await medianMs((i) => repository.pageBy({ age: inRange({ gte: i }) }, sorted)),
  };
}

async function saved(repository, entity, count, admin) {
  const before = await usedBytes(admin);
  const start = performance.now();
  for (let from = 0; from < count; from += SLICE) {
    await repository.saveAll(
      Array.from({ length: Math.min(SLICE, count - from) }, (_, i) => {
        const n = from + i;
        const group = `g${Math.floor(n / MATCHES)}`;
        return Object.assign(new entity(), { id: `id-${n}`, name: 'Ada Lovelace', age: n, group });
      }),
    );
  }
  const seconds = (performance.now() - start) / 1_000;
  return { bytes: ((await usedBytes(admin)) - before) / count, perSecond: count / seconds };
}

async function usedBytes(admin) {
  return Number(/used_memory:(\d+)/.exec(await admin.info('memory'))[1]);
}

async function medianMs(act) {
  const times = [];
  for (let i = 0; i < ROUNDS; i++) {
    const start = performance.now();
    await act(i);
    times.push(performance.now() - start);
  }
  return median(times);
}

/** One run through all ids, and the longest time for which it holds up this process. */
async function iteration(repository, expected) {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const start = performance.now();
  const found = [];
  for await (const id of repository.ids()) found.push(id);
  const idsMs = performance.now() - start;
  delay.disable();
  if (found.length !== expected) throw new Error(`${found.length} ids of ${expected}`);
  return { idsMs, longestPauseMs: delay.max / 1e6 };
}
