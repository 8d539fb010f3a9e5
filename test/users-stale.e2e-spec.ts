import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { KeyBuilder, RedisCache } from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { DatabaseUnavailableException } from '../apps/users/src/database/database.exceptions.js';
import { CachedUserRepository } from '../apps/users/src/users/stores/cached-user.repository.js';
import { StaleUser, User } from '../apps/users/src/users/user.js';
import type { UserPage } from '../apps/users/src/users/user.repository.js';
import { UserRepository } from '../apps/users/src/users/user.repository.js';
import { pass } from './support/time.js';
import { startUsersApp } from './users-app.js';

const ADA = Object.assign(new User(), {
  ...{ id: randomUUID(), firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com' },
  ...{ createdAt: new Date(), updatedAt: new Date() },
});

/** Has Ada and nobody else, until it is away. */
class OneUser extends UserRepository {
  isAway = false;

  async getById(id: string): Promise<User | null> {
    if (this.isAway) throw new DatabaseUnavailableException('it is away');
    return id === ADA.id ? ADA : null;
  }

  async getAll(ids: readonly string[]): Promise<Map<string, User>> {
    const users = await Promise.all(ids.map((id) => this.getById(id)));
    return new Map(users.flatMap((user) => (user ? [[user.id, user]] : [])));
  }

  async page(): Promise<UserPage> {
    return { users: [ADA], cursor: null };
  }

  async save(user: User): Promise<User> {
    return user;
  }

  update(id: string): Promise<User | null> {
    return this.getById(id);
  }

  async delete(id: string): Promise<boolean> {
    return (await this.getById(id)) !== null;
  }
}

describe('users API, while its database is away for longer than an entry is fresh', () => {
  let server: RedisTestServer;
  let redis: Redis;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    await redis.ping(); // what is read before it is connected is not cached
  });

  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });

  it('has a user that may be old from its cache, unless it was invalidated or never read', async () => {
    const origin = new OneUser();
    const keys = new KeyBuilder({ app: 'stale', environment: 'test' });
    const cache = new RedisCache(redis, keys, { ttl: '20ms', failSafe: '1h', timeout: '5s' });
    const users = new CachedUserRepository(origin, cache);
    expect(await users.getById(ADA.id)).not.toBeInstanceOf(StaleUser);
    origin.isAway = true;
    await pass(30);

    const old = await users.getById(ADA.id);

    expect(old).toBeInstanceOf(StaleUser);
    expect(old).toEqual(Object.assign(new StaleUser(), ADA, { ageMs: expect.any(Number) }));
    await expect(users.getById(randomUUID())).rejects.toThrow(DatabaseUnavailableException);
    // A change that failed may have been made.
    await expect(users.update(ADA.id, () => ({}))).rejects.toThrow(DatabaseUnavailableException);
    await expect(users.getById(ADA.id)).rejects.toThrow(DatabaseUnavailableException);
  });

  it('says so each time, with the age, and does not keep the response as a new one', async () => {
    const app = await startUsersApp({
      ...{ REDIS_URL: server.url, USERS_STORE: 'cached', DATABASE_URL: ':memory:' },
    });
    const old = Object.assign(new StaleUser(), ADA, { ageMs: 61_999 });
    app.nest.get(UserRepository).getById = () => Promise.resolve(old);

    for (const path of [`/users/${ADA.id}`, `/users/${ADA.id}/profile`]) {
      for (let turn = 0; turn < 2; turn++) {
        const { status, headers, json } = await app.request('GET', path);
        expect(status).toBe(200);
        expect(headers).toMatchObject({ 'x-cache': 'STALE', age: '61' });
        expect(json).toMatchObject({ id: ADA.id, lastName: 'Lovelace' });
        expect(json).not.toHaveProperty('ageMs');
      }
    }
    await app.close();
  });
});
