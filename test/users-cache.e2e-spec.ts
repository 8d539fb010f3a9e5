import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import {
  createUser,
  readThroughCache,
  startUsersApp,
  type ShownUser,
  type UsersApp,
} from './users-app.js';

describe('users API from the cache', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  let sibling: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
    const env = { REDIS_URL: server.url, REDIS_KEY_PREFIX: 'cached', REDIS_STARTUP: 'wait' };
    [app, sibling] = [await startUsersApp(env), await startUsersApp(env)];
  });

  afterAll(async () => {
    await Promise.all([app.close(), sibling.close()]);
    await server.stop();
  });

  const read = async (from: UsersApp, path: string) => {
    const { status, headers, json } = await readThroughCache(from, path, { host: 'users.example' });
    return { status, cache: headers['x-cache'], user: json as ShownUser };
  };

  describe.each(['', '/profile'])('GET /users/:id%s', (suffix) => {
    it('is answered from the cache the second time, in every process', async () => {
      const { id, email } = await createUser(app);
      const answers = [];
      for (const from of [app, app, sibling])
        answers.push(await read(from, `/users/${id}${suffix}`));
      expect(answers.map(({ cache }) => cache)).toEqual(['MISS', 'HIT', 'HIT']);
      expect(answers.map(({ user }) => user.email)).toEqual([email, email, email]);
    });

    it('is answered with 304 where the client has it already', async () => {
      const { id } = await createUser(app);
      const path = `/users/${id}${suffix}`;
      const { headers } = await app.request('GET', path);
      const known = { 'if-none-match': String(headers['etag']) };
      expect(await app.request('GET', path, undefined, known)).toMatchObject({
        status: 304,
        text: '',
      });
    });

    it('shows a change to all who ask after it', async () => {
      const { id } = await createUser(app);
      const path = `/users/${id}${suffix}`;
      for (let round = 0; round < 10; round++) {
        const lastName = `Last ${round}`;
        const reading = Promise.all([read(app, path), read(sibling, path)]);
        expect((await app.request('PATCH', `/users/${id}`, { lastName })).status).toBe(200);
        for (const from of [sibling, app]) {
          expect((await read(from, path)).user).toMatchObject({ lastName });
        }
        await reading;
      }
    });

    it('is 404 once the user is deleted, and is not cached as such', async () => {
      const { id } = await createUser(app);
      const path = `/users/${id}${suffix}`;
      await read(app, path);
      await app.request('DELETE', `/users/${id}`);
      for (const from of [sibling, app]) {
        expect(await read(from, path)).toMatchObject({ status: 404, cache: 'BYPASS' });
      }
    });
  });

  it('leaves what is cached of others alone', async () => {
    const [a, b] = [await createUser(app), await createUser(app)];
    await read(app, `/users/${b.id}`);
    await app.request('PATCH', `/users/${a.id}`, { lastName: 'King' });
    expect((await read(app, `/users/${b.id}`)).cache).toBe('HIT');
  });

  it('keeps a refused change out of it', async () => {
    const { id, lastName } = await createUser(app);
    await read(app, `/users/${id}`);
    expect((await app.request('PATCH', `/users/${id}`, { email: 'none' })).status).toBe(400);
    expect(await read(app, `/users/${id}`)).toMatchObject({ cache: 'HIT', user: { lastName } });
  });
});
