/** The near copy of the sample, and the route that explains the cache to operators. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { describeWithRealRedis } from './support/real-redis.js';
import { eventually } from './support/time.js';
import { createUser, startUsersApp, type UsersApp } from './users-app.js';

const OPERATOR_TOKEN = 'an operator has this, and no caller';
const TOKEN = OPERATOR_TOKEN.replaceAll(/[ ,]/g, '-');
const AS_OPERATOR = { authorization: `Bearer ${TOKEN}` };

describeWithRealRedis('users API with a near copy', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  let sibling: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
    const env = {
      ...{ REDIS_URL: server.url, REDIS_KEY_PREFIX: 'near', REDIS_STARTUP: 'wait' },
      ...{ USERS_STORE: 'cached', DATABASE_URL: ':memory:', CACHE_NEAR_BYTES: '16777216' },
    };
    app = await startUsersApp({ ...env, OPERATOR_TOKEN: TOKEN });
    sibling = await startUsersApp(env);
  });

  afterAll(async () => {
    await Promise.all([app.close(), sibling.close()]);
    await server.stop();
  });

  const explain = async (query: string) => {
    const answer = await app.request('GET', `/operations/cache?${query}`, undefined, AS_OPERATOR);
    return answer.json as { verdict: string; near: object; text: string };
  };

  it('serves a user from the process, and shows its own change at once', async () => {
    const { id } = await createUser(app);
    const [key, path] = [`user-${id}`, `/users/${id}`];
    await eventually(async () => {
      await app.request('GET', `/users?ids=${id}`);
      expect(await explain(`cache=users&key=${key}&tags=${key}`)).toMatchObject({
        verdict: 'near-hit',
      });
    });
    await app.request('GET', `/users?ids=${id}`);
    expect((await app.request('GET', '/metrics')).text).toMatch(
      /redis_cache_near_requests_total\{cache="users",result="hit"\} [1-9]/,
    );
    await app.request('PATCH', path, { lastName: 'Byron' });
    expect(await explain(`cache=users&key=${key}&tags=${key}`)).toMatchObject({ verdict: 'miss' });
    expect((await app.request('GET', path)).json).toMatchObject({ lastName: 'Byron' });
  });

  it('is up in /health while its near copy hears of changes', async () => {
    await eventually(async () => {
      const { json } = await app.request('GET', '/health');
      expect(json).toMatchObject({ status: 'ok', details: { redis: { status: 'up' } } });
    });
  });

  it('explains a key to operators, and to no others', async () => {
    const path = '/operations/cache?key=user:1';
    const refused = await app.request('GET', path);
    expect([refused.status, refused.headers['www-authenticate']]).toEqual([401, 'Bearer']);
    const wrong = { authorization: `Bearer ${TOKEN}x` };
    expect((await app.request('GET', path, undefined, wrong)).status).toBe(401);
    const answer = await app.request('GET', path, undefined, AS_OPERATOR);
    expect(answer).toMatchObject({
      status: 200,
      headers: { 'cache-control': 'no-store' },
      json: { verdict: 'miss', reason: 'Nothing is stored.' },
    });
  });

  it('knows the caches of the application, and no others', async () => {
    const path = '/operations/cache?cache=other&key=x';
    const answer = await app.request('GET', path, undefined, AS_OPERATOR);
    expect(answer.status).toBe(404);
  });

  it('has no such route without a token', async () => {
    const answer = await sibling.request('GET', '/operations/cache?key=x', undefined, AS_OPERATOR);
    expect(answer.status).toBe(404);
  });

  it.each(['', 'key=', 'key=%3A', 'key=x&tags=', 'key=x&other=1'])(
    'answers the question "%s" with 400',
    async (query) => {
      const path = `/operations/cache?${query}`;
      expect((await app.request('GET', path, undefined, AS_OPERATOR)).status).toBe(400);
    },
  );
});
