import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { SHORT_TIMEOUTS } from './support/database-outage.js';
import { describeWithPostgres } from './support/describe-with-postgres.js';
import { startPostgres, type PostgresTestServer } from './support/postgres.js';
import { openDatabase, type TestDatabase } from './support/test-database.js';
import { eventually } from './support/time.js';
import { createUser, startUsersApp, type UsersApp } from './users-app.js';

const AN_AGE_MS = 400_000;

/** Where an entry says until when it is fresh, until when it lives, and when it was loaded: in 13 digits each. */
const FRESH_UNTIL = 25;
const LIVE_UNTIL = 38;
const LOADED_AT = 51;

/** Makes everything that is cached as old as if it had been cached earlier. */
async function age(redis: Redis): Promise<void> {
  for (const key of await redis.keys('cache:*')) {
    const head = await redis.getrange(key, 0, LOADED_AT + 12);
    const timeAt = (at: number) => Number(head.slice(at, at + 13));
    if (timeAt(FRESH_UNTIL) === timeAt(LIVE_UNTIL)) {
      await redis.del(key); // nothing keeps it past its time
      continue;
    }
    for (const at of [FRESH_UNTIL, LOADED_AT]) {
      await redis.setrange(key, at, String(timeAt(at) - AN_AGE_MS));
    }
  }
}

describeWithPostgres('A cached user whose database is away', () => {
  let server: RedisTestServer;
  let redis: Redis;
  let postgres: PostgresTestServer;
  let database: TestDatabase;
  let app: UsersApp;

  beforeAll(async () => {
    [server, postgres] = await Promise.all([startRedis(), startPostgres()]);
    database = await openDatabase(postgres);
    redis = new Redis(server.url);
    app = await startUsersApp({
      ...{ REDIS_URL: server.url, USERS_STORE: 'cached' },
      ...{ DATABASE_URL: database.url, ...SHORT_TIMEOUTS },
    });
  });

  afterAll(async () => {
    redis.disconnect();
    await app.close();
    await Promise.all([server.stop(), postgres.stop()]);
  });

  describe.each(['', '/profile'])('%s', (view) => {
    it('is shown as STALE with its age, until the database is back', async () => {
      const user = await createUser(app);
      const path = `/users/${user.id}${view}`;
      const shown = (await app.request('GET', path)).json;
      await age(redis);
      await postgres.kill();

      const { status, headers, json } = await app.request('GET', path);

      expect({ status, json }).toEqual({ status: 200, json: shown });
      expect(headers['x-cache']).toBe('STALE');
      expect(Number(headers['age'])).toBeGreaterThanOrEqual(AN_AGE_MS / 1_000);

      await postgres.restart();
      await eventually(async () => {
        expect((await app.request('GET', path)).headers['x-cache']).toMatch(/^(MISS|HIT)$/);
      });
    });
  });
});
