/** Tests what load balancers and Prometheus see while Redis or the database is away, for each store. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { describeWithPostgres } from './support/describe-with-postgres.js';
import { startPostgres, type PostgresTestServer } from './support/postgres.js';
import { describeWithRealRedis } from './support/real-redis.js';
import { eventually } from './support/time.js';
import { createUser, startUsersApp, type UsersApp } from './users-app.js';

const NO_DATABASE = 'no answer in time, or no connection';

describe('the readiness of the users API', () => {
  describeWithRealRedis('with servers that go', () => {
    describeWithPostgres('and come back', () => {
      let redis: RedisTestServer;
      let postgres: PostgresTestServer;
      const apps: UsersApp[] = [];

      beforeAll(async () => {
        [redis, postgres] = await Promise.all([startRedis(), startPostgres()]);
      });

      afterEach(async () => {
        redis.thaw();
        postgres.thaw();
        await Promise.all(apps.splice(0).map((app) => app.close()));
        await Promise.all([redis.restart(), postgres.restart()]);
      });

      afterAll(async () => {
        await Promise.all([redis.stop(), postgres.stop()]);
      });

      async function start(USERS_STORE: string): Promise<UsersApp> {
        const app = await startUsersApp({
          ...{ USERS_STORE, DATABASE_URL: postgres.url },
          ...{ REDIS_URL: redis.url, REDIS_STARTUP: 'require' },
        });
        apps.push(app);
        await expectReadiness(app, 200, 'ok');
        return app;
      }

      async function expectReadiness(
        app: UsersApp,
        status: number,
        report: string,
        details: object = {},
      ): Promise<void> {
        await eventually(async () => {
          expect(await app.request('GET', '/health/ready')).toMatchObject({
            status,
            json: { status: report, details },
          });
        });
      }

      /** Returns the value that Prometheus would scrape. */
      async function measured(app: UsersApp, metric: string): Promise<string | undefined> {
        const { text } = await app.request('GET', '/metrics');
        return new RegExp(`^${metric}(?:{.*})? (.+)$`, 'm').exec(text)?.[1];
      }

      // First: a metric stays with the process once an application has had it.
      it('redis: knows no database, and is 503 without Redis', async () => {
        const app = await start('redis');
        const { json } = await app.request('GET', '/health/ready');
        expect(json).not.toHaveProperty('details.database');
        expect(await measured(app, 'database_up')).toBeUndefined();

        await redis.kill();
        await expectReadiness(app, 503, 'error', { redis: { status: 'down' } });
      });

      it('cached: stays 200 without Redis, says so, and lets the alert fire', async () => {
        const app = await start('cached');

        await redis.kill();

        await expectReadiness(app, 200, 'degraded', {
          database: { status: 'up' },
          redis: { status: 'degraded', optional: true, reasons: [expect.any(String)] },
        });
        expect(await measured(app, 'redis_connection_up')).toBe('0');
        const { id } = await createUser(app);
        expect((await app.request('GET', `/users/${id}`)).status).toBe(200);
      });

      it('cached: stays 200 without the database, and serves what is cached', async () => {
        const app = await start('cached');
        const { id } = await createUser(app);
        await app.request('GET', `/users/${id}`);

        await postgres.kill();

        await expectReadiness(app, 200, 'degraded', {
          database: { status: 'degraded', optional: true, reasons: [NO_DATABASE] },
          redis: { status: 'up' },
        });
        expect(await measured(app, 'database_up')).toBe('0');
        expect((await app.request('GET', `/users/${id}`)).status).toBe(200);
        expect((await app.request('DELETE', `/users/${id}`)).status).toBe(503);

        await postgres.restart();
        await expectReadiness(app, 200, 'ok');
        expect(await measured(app, 'database_up')).toBe('1');
      });

      it('cached: is 503 without both', async () => {
        const app = await start('cached');

        await Promise.all([redis.kill(), postgres.kill()]);

        await expectReadiness(app, 503, 'error', {
          database: { status: 'down', message: NO_DATABASE },
          redis: { status: 'down' },
        });
        expect((await app.request('GET', '/health/live')).status).toBe(200);
      });

      it('cached: answers in time, and the same, if both are frozen', async () => {
        const app = await start('cached');
        redis.freeze();
        postgres.freeze();

        await expectReadiness(app, 503, 'error', {
          database: { status: 'down' },
          redis: { status: 'down', message: 'no answer in time' },
        });

        postgres.thaw();
        await expectReadiness(app, 200, 'degraded', {
          database: { status: 'up' },
          redis: { status: 'degraded', optional: true, reasons: ['no answer in time'] },
        });
      });

      it('sql: is 503 without the database, and 200 without Redis', async () => {
        const app = await start('sql');

        await redis.kill();
        await expectReadiness(app, 200, 'degraded', { redis: { optional: true } });

        await postgres.kill();
        await expectReadiness(app, 503, 'error', { database: { status: 'down' } });
        expect(await measured(app, 'database_up')).toBe('0');
      });
    });
  });
});
