/** The API under more requests than it can work on. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { captureLog, type CapturedLog } from './support/capture-log.js';
import { describeWithRealRedis } from './support/real-redis.js';
import { eventually } from './support/time.js';
import { createUser, startUsersApp, type Answer, type UsersApp } from './users-app.js';

describeWithRealRedis('users API, more requests than it can work on', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  let log: CapturedLog;

  beforeAll(async () => {
    log = captureLog();
    server = await startRedis();
    app = await startUsersApp({
      REDIS_URL: server.url,
      REDIS_STARTUP: 'require',
      REDIS_COMMAND_TIMEOUT: '25s',
      HTTP_MAX_IN_FLIGHT: '20',
      LOG_LEVEL: 'info',
    });
  });

  afterEach(() => server.thaw());

  afterAll(async () => {
    await app.close();
    await server.stop();
    log.release();
  });

  const messages = () => log.lines().map((line) => line['msg']);

  it('refuses the rest at once with 503 and Retry-After, answers probes, and recovers', async () => {
    server.freeze();
    const answered: Answer[] = [];
    const requests = Array.from({ length: 50 }, async () => {
      answered.push(await app.request('GET', '/users?ids=1'));
    });
    await eventually(() => {
      expect(answered).toHaveLength(30);
    });
    const refused = answered.splice(0);

    for (const { status, headers, json, text } of refused) {
      expect(status).toBe(503);
      expect(headers['content-type']).toMatch(/^application\/problem\+json/);
      expect(Number(headers['retry-after'])).toBeGreaterThan(0);
      expect(headers['x-request-id']).toEqual(expect.any(String));
      expect(json).toMatchObject({
        type: 'urn:users-api:overloaded',
        title: 'Service Unavailable',
        status: 503,
        detail: expect.any(String),
      });
      expect(text).not.toMatch(/127\.0\.0\.1|queue|loop/);
    }
    expect((await app.request('GET', '/health/live')).status).toBe(200);
    const metrics = await app.request('GET', '/metrics');
    expect(metrics.status).toBe(200);
    expect(metrics.text).toMatch(/^http_requests_refused_total 30$/m);
    // The time of a refusal is a pause that was made for it, and says nothing.
    expect(metrics.text).not.toMatch(/http_request_duration_seconds_count\{.*status="503"/);
    expect(messages().filter((msg) => String(msg).startsWith('Overloaded'))).toHaveLength(1);

    server.thaw();
    await Promise.all(requests);
    expect(answered).toHaveLength(20);
    for (const { status } of answered) expect(status).toBe(200);
    await eventually(async () => {
      expect((await app.request('GET', '/users?ids=1')).status).toBe(200);
      expect(messages()).toContain('No longer overloaded');
    });
  });

  describe('and time for all of them', () => {
    let patient: UsersApp;

    beforeAll(async () => {
      patient = await startUsersApp({
        REDIS_URL: server.url,
        REDIS_STARTUP: 'require',
        REDIS_COMMAND_TIMEOUT: '25s',
        HTTP_MAX_QUEUE_TIME: '25s',
      });
    });

    afterAll(() => patient.close());

    it('answers a hundred callers that come at once', async () => {
      const { id } = await createUser(patient);

      const answers = await Promise.all(
        Array.from({ length: 100 }, () => patient.request('GET', `/users/${id}`)),
      );

      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    });

    it('makes every change that waited for a frozen Redis, though all are of one user', async () => {
      const { id } = await createUser(patient);
      server.freeze();
      const changes = Array.from({ length: 100 }, (_, i) =>
        patient.request('PATCH', `/users/${id}`, { lastName: `King ${i}` }),
      );
      expect(await patient.request('GET', '/health/live')).toMatchObject({ status: 200 });

      server.thaw();

      const statuses = (await Promise.all(changes)).map(({ status }) => status);
      expect(new Set(statuses)).toEqual(new Set([200]));
    });
  });
});
