import { EventEmitter, once } from 'node:events';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TerminusModule } from '@nestjs/terminus';
import { expect } from '@jest/globals';
import {
  EntityId,
  type GetOrLoadOptions,
  inRange,
  Indexed,
  KeyBuilder,
  RedisBatch,
  RedisEntity,
  RedisModule,
  RedisRepository,
  type RedisClient,
  type RedisModuleOptions,
} from '../../../src/index.js';
import type { EntityClass } from '../../../src/repository/entity/entity-schema.js';
import { connectionOf } from '../../../src/connection/connection.js';
import { readServerMemory } from '../../../src/connection/server-memory.js';
import { RedisHealthIndicator } from '../../../src/health/index.js';
import { ACL_APP } from './acl-table.js';
import { waitUntil } from '../../../src/testing/wait-until.js';
import { pass } from '../../../../../test/support/time.js';
import { listenedCache } from './cache-stage.js';
import { caught } from './caught.js';
import type { OpenConnection } from './open-connection.js';

@RedisEntity({ kind: 'user' })
class User {
  @EntityId() id!: string;
  name!: string;
}

@RedisEntity({ kind: 'user' })
class IndexedUser extends User {
  @Indexed() country!: string;
  @Indexed() role?: string;
}

@RedisEntity({ kind: 'user' })
class RankedUser extends User {
  @Indexed({ range: true }) points!: number;
  @Indexed({ range: true }) level!: number;
}

@RedisEntity({ kind: 'user' })
class UniqueUser extends User {
  @Indexed({ unique: true }) email!: string;
}

/** The connections with which a feature is tested. */
export interface AclTrial {
  /** A connection as the user that has the feature's rules and no others. */
  readonly connection: OpenConnection;
  /** The options of the connection, for features that open their own. */
  readonly options: RedisModuleOptions;
  /** A client that may do everything. */
  readonly admin: RedisClient;
}

const keys = new KeyBuilder(ACL_APP);
const usersOf = (client: RedisClient) => new RedisRepository(client, keys, User);
/** Each with key builders of its own, in which `user` is its kind. */
const repository = <T extends object>(client: RedisClient, entity: EntityClass<T>) =>
  new RedisRepository(client, new KeyBuilder(ACL_APP), entity);

/**
 * Each feature of the table in the guide, used in every way that sends a command of its own: throws if
 * something does not do what it promises.
 */
export const ACL_FEATURES: Readonly<Record<string, (trial: AclTrial) => Promise<void>>> = {
  connection: async ({ connection }) => {
    await connection.until('connection.ready');
  },

  cluster: async ({ connection }) => {
    await connection.until('connection.ready');
  },

  'other databases': async ({ connection }) => {
    await connection.until('connection.ready');
  },

  pool: async ({ connection: { pool, telemetry } }) => {
    const released = new EventEmitter();
    telemetry.subscribe({ 'pool.release': (event) => released.emit('release', event) });
    const release = once(released, 'release');
    await pool.use((client) => client.info('server'));
    await expect(release).resolves.toEqual([expect.objectContaining({ reused: true })]);
  },

  'publish and subscribe': async ({ connection: { pool, client } }) => {
    await pool.use(async (subscriber) => {
      await subscriber.subscribe('news:acl:test');
      const message = once(subscriber, 'message');
      await client.publish('news:acl:test', 'hello');
      expect(await message).toEqual(['news:acl:test', 'hello']);
      await subscriber.unsubscribe();
    });
  },

  entities: async ({ connection: { client } }) => {
    const users = usersOf(client);
    await users.saveAll([
      { id: '1', name: 'Ada' },
      { id: '2', name: 'Grace' },
    ]);
    expect(await users.exists('1')).toBe(true);
    expect(await users.update('1', { name: 'King' })).toMatchObject({ name: 'King' });
    expect(await users.expire('1', '1h')).toBe(true);
    expect(await users.expire('1', 'forever')).toBe(true);
    expect((await users.getAll(['1', '2'])).size).toBe(2);
    expect(await users.count()).toBe(2);
    expect(await users.delete('1')).toBe(true);
  },

  indexes: async ({ connection: { client } }) => {
    const users = repository(client, IndexedUser);
    const ada = { id: '1', name: 'Ada', country: 'FR' };
    await users.save(ada, { ttl: 'forever' });
    await users.save(ada);
    await users.update('1', { country: 'DE' }); // keeps its time to live
    expect(await users.findBy({ country: 'DE' })).toHaveLength(1);
    expect(await users.findBy({ country: 'FR' })).toEqual([]);
    expect(await users.findBy({ country: 'DE', role: 'admin' })).toEqual([]);
    expect(await client.zrange(keys.key('index', 'user', 'country', 'FR'), '0', '-1')).toEqual([]);
    expect(await users.delete('1')).toBe(true);
  },

  'indexes with range': async ({ connection: { client } }) => {
    const users = repository(client, RankedUser);
    const ada = { id: '1', name: 'Ada', points: 5, level: 1 };
    await users.save(ada, { ttl: 'forever' });
    await users.save(ada);
    await users.update('1', { points: 7 }); // keeps its time to live
    expect(await users.findBy({ points: inRange({ gt: 5 }) })).toHaveLength(1);
    expect(await users.findBy({}, { sortBy: 'points', order: 'desc' })).toHaveLength(1);
    expect(await users.findBy({ points: 7, level: 1 })).toHaveLength(1);
    const range = keys.key('range', 'user', 'points');
    expect(await client.zrange(range, '0', '-1')).toHaveLength(1);
    expect(await users.delete('1')).toBe(true);
    expect(await client.zrange(range, '0', '-1')).toEqual([]);
  },

  'unique values': async ({ connection: { client }, admin }) => {
    const users = repository(client, UniqueUser);
    await users.save({ id: '1', name: 'Ada', email: 'ada@example.com' });
    await users.update('1', { email: 'king@example.com' });
    expect(await users.findOneBy({ email: 'king@example.com' })).toMatchObject({ name: 'Ada' });
    expect(await users.delete('1')).toBe(true);
    expect(await admin.keys('unique:*')).toEqual([]);
  },

  batch: async ({ connection: { client } }) => {
    const batch = new RedisBatch(client);
    const post = keys.key('post', '1');
    const counter = keys.counterKey('visits');
    await batch.setAll({ [post]: { title: 'One' } });
    expect((await batch.getAll([post])).size).toBe(1);
    await batch.incrementAll({ [counter]: 1 });
    await batch.incrementAll({ [counter]: 1 });
    const tooMuch = batch.incrementAll({ [counter]: Number.MAX_SAFE_INTEGER });
    await expect(tooMuch).rejects.toMatchObject({
      errors: new Map([[counter, expect.objectContaining({ reply: 'OVERFLOW' })]]),
    });
    expect(await batch.deleteAll([post, counter])).toBe(2);
  },

  cache: async ({ connection: { client }, admin }) => {
    const policy = { tags: ['posts'] } as const;
    await usesCache(client, policy);
    const { cache } = listenedCache(client, keys);
    await cache.set('two', 2, policy);
    expect(await cache.get('two', policy)).toBe(2);
    expect(await cache.delete('two')).toBe(true);
    await admin.pexpire(keys.tagKey('posts'), 10_000); // less than what depends on it may live
    await usesCache(client, policy);
    await cache.invalidateTags('posts');
    expect(await admin.exists(keys.tagKey('posts'))).toBe(0);
    const failing = cache.getOrLoad('three', () => {
      throw new Error('the loader failed');
    });
    await expect(failing).rejects.toThrow('the loader failed');
  },

  'near copy': servesNear,

  'near copy in a cluster': servesNear,

  'explanations of the cache': async ({ connection: { client } }) => {
    const { cache } = listenedCache(client, keys);
    await cache.set('explained', 1, { tags: ['posts'] });
    expect(await cache.explain('explained', { tags: ['posts'] })).toMatchObject({ verdict: 'hit' });
  },

  'cached values made from entities': async ({ connection: { client }, admin }) => {
    await usersOf(admin).save({ id: '1', name: 'Ada' });
    await usesCache(client, { dependsOn: [usersOf(client).dependencyOn('1')] });
  },

  'cached values made from other keys': async ({ connection: { client }, admin }) => {
    const [post, others] = [keys.key('post', '1'), keys.key('post', '2')];
    await admin.set(post, 'One');
    await admin.hset(others, 'title', 'Two');
    await usesCache(client, { dependsOn: [post] });
    await usesCache(client, { dependsOn: [others] });
  },

  'replicas that confirm': async ({ connection: { client } }) => {
    const invalidation = { replicas: 1, timeout: '1ms' } as const;
    const { cache } = listenedCache(client, keys, { invalidation });
    expect(await caught(cache.delete('one'))).toMatchObject({ reason: 'late' });
    await cache.close();
  },

  'invalidation by pattern': async ({ connection: { client } }) => {
    await usesCache(client, {});
    const { cache } = listenedCache(client, keys);
    expect(await cache.invalidatePattern('*')).toBe(1);
  },

  health: looksHealthy,

  'health of a cluster': looksHealthy,

  metrics: async ({ connection: { client } }) => {
    expect(await readServerMemory(connectionOf(client))).toMatchObject({
      usedBytes: expect.any(Number),
    });
  },
};

async function servesNear({ connection: { client }, admin }: AclTrial): Promise<void> {
  const near = { maxBytes: 2 ** 20, staleness: '100ms' } as const;
  const { cache } = listenedCache(client, keys, { near });
  try {
    await waitUntil('the near copy serves, or is refused', async () => {
      await cache.getOrLoad('near', () => 1, { tags: ['posts'] });
      const { hits = 0, reason = '' } = cache.nearState ?? {};
      return hits > 0 || /ACL|NOPERM/.test(reason);
    });
    expect(cache.nearState?.hits).toBeGreaterThan(0);
    // The role is asked for with the first heartbeat; a refusal is not told.
    await pass(150);
    expect(await admin.acl('LOG')).toEqual([]);
  } finally {
    await cache.close();
  }
}

async function looksHealthy({ options }: AclTrial): Promise<void> {
  @Module({
    imports: [TerminusModule.forRoot({ logger: false }), RedisModule.forRoot(options)],
    providers: [RedisHealthIndicator],
  })
  class AppModule {}
  const app = await NestFactory.createApplicationContext(AppModule, { logger: false });
  try {
    const { redis } = await app.get(RedisHealthIndicator).isHealthy('redis', { timeout: '5s' });
    expect(redis).toMatchObject({ status: 'up' });
    expect(redis).not.toHaveProperty('notChecked');
  } finally {
    await app.close();
  }
}

/** Loads a value, and is given it from the cache afterwards. */
async function usesCache(client: RedisClient, options: GetOrLoadOptions<number>): Promise<void> {
  const { cache } = listenedCache(client, keys);
  await cache.delete('one');
  let loads = 0;
  const load = () => ++loads;
  expect(await cache.getOrLoad('one', load, options)).toBe(1);
  expect(await cache.getOrLoad('one', load, options)).toBe(1);
}
