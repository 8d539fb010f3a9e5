import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { describeWithRealRedis } from './support/real-redis.js';
import { eventually, SOON_MS, timed } from './support/time.js';
import { ADA, createUser, startUsersApp, type Answer, type UsersApp } from './users-app.js';

/** Short, so that an outage is noticed soon; what Redis answers, it answers in time. */
const COMMAND_TIMEOUT_MS = 600;

/** Every route that needs Redis. */
function callEverything(app: UsersApp): Promise<Answer[]> {
  return Promise.all([
    app.request('POST', '/users', ADA),
    app.request('GET', '/users/1'),
    app.request('GET', '/users?ids=1,2,3'),
    app.request('GET', '/users'),
    app.request('PATCH', '/users/1', { lastName: 'King' }),
    app.request('GET', '/users/1/profile'),
    app.request('DELETE', '/users/1'),
  ]);
}

async function expectOutage(app: UsersApp): Promise<void> {
  const { ms, result: answers } = await timed(() => callEverything(app));

  expect(ms).toBeLessThan(SOON_MS);
  for (const { status, headers, json, text } of answers) {
    expect(status).toBe(503);
    expect(headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(Number(headers['retry-after'])).toBeGreaterThan(0);
    expect(json).toMatchObject({
      type: expect.stringMatching(/^urn:/),
      title: 'Service Unavailable',
      status: 503,
      code: expect.stringMatching(/^REDIS_(CONNECTION|TIMEOUT|UNAVAILABLE)$/),
    });
    expect(text).not.toMatch(/127\.0\.0\.1|user:|ioredis/);
  }
}

async function expectHealth(app: UsersApp, status: 200 | 503): Promise<void> {
  for (const path of ['/health', '/health/ready']) {
    const answer = await app.request('GET', path);
    expect(answer).toMatchObject({
      status,
      json: {
        // The cache's breaker may still be open when Redis is back.
        status: status === 200 ? expect.stringMatching(/^(ok|degraded)$/) : 'error',
        details: {
          redis: { status: status === 200 ? expect.stringMatching(/^(up|degraded)$/) : 'down' },
        },
      },
    });
    expect(answer.text).not.toMatch(/127\.0\.0\.1|localhost/);
  }
  expect(await app.request('GET', '/health/live')).toMatchObject({ status: 200 });
}

function itSurvives(
  outage: string,
  begin: (server: RedisTestServer) => Promise<void> | void,
  end: (server: RedisTestServer) => Promise<void> | void,
): void {
  let server: RedisTestServer;
  let app: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
    app = await startUsersApp({
      REDIS_URL: server.url,
      REDIS_COMMAND_TIMEOUT: String(COMMAND_TIMEOUT_MS),
    });
    await eventually(() => createUser(app));
  });

  afterEach(() => end(server));

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  it(`answers 503 in time while Redis is ${outage}, and recovers by itself`, async () => {
    await begin(server);

    await expectOutage(app);
    await expectOutage(app);
    await expectHealth(app, 503);
    expect((await app.request('GET', '/metrics')).status).toBe(200);
    expect((await app.request('POST', '/users', {})).status).toBe(400);

    await end(server);

    await eventually(async () => {
      await expectHealth(app, 200);
      await createUser(app);
    });
  });
}

describe('users API without Redis', () => {
  describe('killed', () => {
    itSurvives(
      'gone',
      (server) => server.kill(),
      (server) => server.restart(),
    );
  });

  describeWithRealRedis('frozen', () => {
    itSurvives(
      'frozen',
      (server) => server.freeze(),
      (server) => server.thaw(),
    );

    it('closes within a few seconds, even with a request that waits for the frozen Redis', async () => {
      const server = await startRedis();
      const app = await startUsersApp({ REDIS_URL: server.url, REDIS_STARTUP: 'require' });
      server.freeze();
      const waiting = app.request('GET', '/users/1').catch((error: unknown) => error);

      const { ms } = await timed(() => app.close());

      expect(ms).toBeLessThan(20_000);
      expect(await waiting).toMatchObject({ code: 'ECONNRESET' });
      server.thaw();
      await server.stop();
    });
  });
});
