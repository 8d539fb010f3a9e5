import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { createUser, readAllUsers, startUsersApp, type UsersApp } from './users-app.js';

describe('users API, page by page', () => {
  let server: RedisTestServer;
  let app: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
  });

  afterEach(() => app.close());

  afterAll(() => server.stop());

  async function startWithUsers(count: number): Promise<string[]> {
    app = await startUsersApp({ REDIS_URL: server.url });
    const users = await Promise.all(Array.from({ length: count }, () => createUser(app)));
    return users.map(({ id }) => id).sort();
  }

  it('answers with an empty list and no next page when there are no users', async () => {
    await startWithUsers(0);

    const { status, headers, json } = await app.request('GET', '/users');

    expect(status).toBe(200);
    expect(json).toEqual([]);
    expect(headers).not.toHaveProperty('link');
  });

  it('shows a user as it is shown alone', async () => {
    await startWithUsers(0);
    const user = await createUser(app);

    expect((await app.request('GET', '/users')).json).toEqual([user]);
  });

  it.each(['/users', '/users?limit=20', '/users?limit=1', '/users?limit=100'])(
    'shows every user to a caller that follows the links from %s',
    async (start) => {
      const ids = await startWithUsers(55);

      const pages = await readAllUsers(app, start);

      const seen = new Set(pages.flat().map(({ id }) => id));
      expect([...seen].sort()).toEqual(ids);
    },
  );

  it('has pages of about the size that was asked for', async () => {
    await startWithUsers(155);

    const [page = []] = await readAllUsers(app, '/users?limit=20');

    expect(page.length).toBeGreaterThanOrEqual(20);
    expect(page.length).toBeLessThan(120);
  });
});
