import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, beforeAll, describe } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { UserRepository } from '../apps/users/src/users/user.repository.js';
import { describeWithPostgres } from './support/describe-with-postgres.js';
import { openDatabase, type TestDatabase } from './support/test-database.js';
import { usersStoreContract, type UsersStore } from './support/users-store.contract.js';
import { startUsersApp } from './users-app.js';

/** Two instances of the application on the same servers, asked behind their backs. */
async function openStore(env: Readonly<Record<string, string>>): Promise<UsersStore> {
  const apps = await Promise.all([startUsersApp(env), startUsersApp(env)]);
  const [here, elsewhere] = apps.map(({ nest }) => nest.get(UserRepository));
  if (here === undefined || elsewhere === undefined) throw new Error('no store');
  const close = async (): Promise<void> => {
    await Promise.all(apps.map((app) => app.close()));
  };
  return { here, elsewhere, close };
}

describe('the stores of users', () => {
  let redis: RedisTestServer;
  let folder: string;

  beforeAll(async () => {
    redis = await startRedis();
    folder = await mkdtemp(join(tmpdir(), 'users-store-'));
  });

  afterAll(async () => {
    await redis.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const open = (prefix: string, env: Readonly<Record<string, string>>): Promise<UsersStore> =>
    openStore({ REDIS_URL: redis.url, REDIS_KEY_PREFIX: prefix, ...env });

  describe('redis', () => {
    usersStoreContract(() => open('redis', { USERS_STORE: 'redis' }));
  });

  describe.each(['sql', 'cached'])('%s, in a file', (USERS_STORE) => {
    const DATABASE_URL = (): string => `file:${join(folder, USERS_STORE, 'users.db')}`;
    usersStoreContract(() =>
      open(`file-${USERS_STORE}`, { USERS_STORE, DATABASE_URL: DATABASE_URL() }),
    );
  });

  describeWithPostgres('in PostgreSQL', () => {
    describe.each(['sql', 'cached'])('%s', (USERS_STORE) => {
      let database: TestDatabase;

      beforeAll(async () => {
        database = await openDatabase();
      });

      afterAll(() => database.close());

      usersStoreContract(() =>
        open(`postgres-${USERS_STORE}`, { USERS_STORE, DATABASE_URL: database.url }),
      );
    });
  });
});
