/** The API as it is set up by default: users in a database, with Redis beside it. */
import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { BOUNDED_MS, expectUnavailable, SHORT_TIMEOUTS } from './support/database-outage.js';
import { describeWithPostgres } from './support/describe-with-postgres.js';
import { startPostgres, type PostgresTestServer } from './support/postgres.js';
import { describeWithRealRedis } from './support/real-redis.js';
import { openDatabase, type TestDatabase } from './support/test-database.js';
import { eventually, timed } from './support/time.js';
import {
  createUser,
  readAllUsers,
  readThroughCache,
  startUsersApp,
  type ShownUser,
  type UsersApp,
} from './users-app.js';

const IN_MEMORY = { USERS_STORE: 'cached', DATABASE_URL: ':memory:' };

describe('users API, in a database with Redis beside it', () => {
  let server: RedisTestServer;
  let redis: Redis;
  let app: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    app = await startUsersApp({ REDIS_URL: server.url, ...IN_MEMORY });
  });

  afterAll(async () => {
    await app.close();
    redis.disconnect();
    await server.stop();
  });

  const read = (user: ShownUser) => readThroughCache(app, `/users/${user.id}`);

  it('shows a user from the cache until it is changed', async () => {
    const user = await createUser(app);

    expect(await read(user)).toMatchObject({ json: user, headers: { 'x-cache': 'MISS' } });
    expect(await read(user)).toMatchObject({ json: user, headers: { 'x-cache': 'HIT' } });
    const { json } = await app.request('PATCH', `/users/${user.id}`, { lastName: 'King' });
    expect(await read(user)).toMatchObject({ json, headers: { 'x-cache': 'MISS' } });
    expect(json).toMatchObject({ lastName: 'King' });

    expect((await app.request('DELETE', `/users/${user.id}`)).status).toBe(204);
    expect((await read(user)).status).toBe(404);
    expect((await app.request('DELETE', `/users/${user.id}`)).status).toBe(404);
  });

  it('refuses an e-mail that is taken in the words of the other stores', async () => {
    const { email } = await createUser(app);
    const other = await createUser(app);

    const answers = [
      await app.request('POST', '/users', { firstName: 'A', lastName: 'B', email }),
      await app.request('PATCH', `/users/${other.id}`, { email: email.toUpperCase() }),
    ];

    for (const answer of answers) {
      expect(answer).toMatchObject({
        status: 409,
        json: {
          type: 'urn:users-api:conflict',
          code: 'CONFLICT',
          errors: [{ property: 'email', messages: ['email is already taken'] }],
        },
      });
    }
  });

  it('shows all users in the order of their creation, page by page', async () => {
    const made = [];
    for (let index = 0; index < 5; index++) made.push(await createUser(app));

    const pages = await readAllUsers(app, '/users?limit=2');

    const shown = pages.flat().map(({ id }) => id);
    expect(shown.slice(-5)).toEqual(made.map(({ id }) => id));
    expect(new Set(shown).size).toBe(shown.length);
    for (const page of pages.slice(0, -1)) expect(page).toHaveLength(2);
  });

  it.each(['', 'next', 'WzAsImEiXQ=', 'x'.repeat(5_000)])(
    'refuses the cursor %j',
    async (cursor) => {
      const answer = await app.request('GET', `/users?cursor=${cursor}`);

      expect(answer).toMatchObject({ status: 400, json: { errors: [{ property: 'cursor' }] } });
    },
  );

  it.each([randomUUID(), 'nul%00', '%F0%9F%98%80', "'%3B%20DROP%20TABLE%20users", 'x'.repeat(300)])(
    'answers 404 to the id %s',
    async (id) => {
      expect((await app.request('GET', `/users/${id}`)).status).toBe(404);
      expect((await app.request('PATCH', `/users/${id}`, { lastName: 'K' })).status).toBe(404);
      expect((await app.request('DELETE', `/users/${id}`)).status).toBe(404);
    },
  );

  it('keeps its users when Redis loses everything', async () => {
    const user = await createUser(app);
    await read(user);

    await redis.flushall();

    expect(await read(user)).toMatchObject({ status: 200, json: user });
  });

  it('caches no response with USERS_STORE=sql', async () => {
    const plain = await startUsersApp({
      ...{ REDIS_URL: server.url, USERS_STORE: 'sql', DATABASE_URL: ':memory:' },
    });
    const user = await createUser(plain);

    for (let turn = 0; turn < 2; turn++) {
      const { status, headers } = await plain.request('GET', `/users/${user.id}`);
      expect(status).toBe(200);
      expect(headers).not.toHaveProperty('x-cache');
    }
    await plain.close();
  });
});

describe.each<[string, (redis: RedisTestServer) => unknown, (redis: RedisTestServer) => unknown]>([
  ['killed', (redis) => redis.kill(), (redis) => redis.restart()],
  ['frozen', (redis) => redis.freeze(), (redis) => redis.thaw()],
])('users API, its Redis %s', (outage, begin, end) => {
  const describeOutage = outage === 'frozen' ? describeWithRealRedis : describe;

  describeOutage('', () => {
    let server: RedisTestServer;
    let app: UsersApp;

    beforeAll(async () => {
      server = await startRedis();
      app = await startUsersApp({
        ...{ REDIS_URL: server.url, REDIS_STARTUP: 'require', REDIS_COMMAND_TIMEOUT: '500ms' },
        ...IN_MEMORY,
      });
    });

    afterAll(async () => {
      await end(server);
      await app.close();
      await server.stop();
    });

    it('is answered from the database, and nothing old is shown afterwards', async () => {
      const user = await createUser(app);
      const path = `/users/${user.id}`;
      await app.request('GET', path);
      await app.request('GET', '/users');
      await begin(server);

      const { ms } = await timed(async () => {
        const changed = await app.request('PATCH', path, { lastName: 'King' });
        expect(changed.status).toBe(200);
        expect(await app.request('GET', path)).toMatchObject({
          json: { lastName: 'King' },
          headers: { 'x-cache': 'BYPASS' },
        });
        const created = await createUser(app);
        const all = (await app.request('GET', '/users')).json as ShownUser[];
        expect(all.map(({ id }) => id)).toEqual([user.id, created.id]);
        expect(await app.request('GET', `/users?ids=${user.id}`)).toMatchObject({
          json: [{ lastName: 'King' }],
        });
      });
      expect(ms).toBeLessThan(BOUNDED_MS);

      await end(server);
      await eventually(async () => {
        const { headers, json } = await app.request('GET', path);
        expect(json).toMatchObject({ lastName: 'King' });
        expect(headers['x-cache']).toBe('HIT');
      });
    });
  });
});

describeWithPostgres('users API, with a cache before PostgreSQL', () => {
  let redis: RedisTestServer;
  let postgres: PostgresTestServer;
  let database: TestDatabase;
  let app: UsersApp;

  beforeAll(async () => {
    [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
    database = await openDatabase(postgres);
    app = await startUsersApp({
      ...{ REDIS_URL: redis.url, USERS_STORE: 'cached' },
      ...{ DATABASE_URL: database.url, ...SHORT_TIMEOUTS },
    });
  });

  afterAll(async () => {
    await app.close();
    await Promise.all([redis.stop(), postgres.stop()]);
  });

  it('shows what is cached while the database is away, and refuses changes and the unknown', async () => {
    const user = await createUser(app);
    const path = `/users/${user.id}`;
    await app.request('GET', path);
    await app.request('GET', `/users?ids=${user.id}`);
    await postgres.kill();

    const answers = [
      await app.request('GET', path),
      await app.request('GET', `${path}/profile`),
      await app.request('GET', `/users?ids=${user.id}`),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    await expectUnavailable(app, randomUUID());
    expect((await app.request('PATCH', path, { lastName: 'King' })).status).toBe(503);

    await postgres.restart();
    await eventually(async () => {
      expect((await app.request('PATCH', path, { lastName: 'King' })).status).toBe(200);
    });
    expect((await app.request('GET', path)).json).toMatchObject({ lastName: 'King' });
  });
});
