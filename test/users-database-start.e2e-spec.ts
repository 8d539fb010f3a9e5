import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { captureLog, type CapturedLog, type LogLine } from './support/capture-log.js';
import { BOUNDED_MS, expectUnavailable, SHORT_TIMEOUTS } from './support/database-outage.js';
import { describeWithPostgres } from './support/describe-with-postgres.js';
import { startPostgres, type PostgresTestServer } from './support/postgres.js';
import { openDatabase, type TestDatabase } from './support/test-database.js';
import { eventually, timed } from './support/time.js';
import { createUser, startUsersApp, type UsersApp } from './users-app.js';

describeWithPostgres('users API, while its database is away at the start', () => {
  let redis: RedisTestServer;
  let server: PostgresTestServer;
  let database: TestDatabase;
  let app: UsersApp | undefined;
  let log: CapturedLog;
  let forgotten = 0;

  beforeAll(async () => {
    log = captureLog();
    [redis, server] = await Promise.all([startRedis(), startPostgres()]);
  });

  beforeEach(async () => {
    forgotten = log.lines().length;
    database = await openDatabase(server);
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await database.close();
  });

  afterAll(async () => {
    await Promise.all([redis.stop(), server.stop()]);
    log.release();
  });

  const linesSince = (): LogLine[] => log.lines().slice(forgotten);
  const logged = (msg: string): LogLine[] => linesSince().filter((line) => line['msg'] === msg);

  async function start(): Promise<UsersApp> {
    app = await startUsersApp({
      ...{ REDIS_URL: redis.url, USERS_STORE: 'sql', LOG_LEVEL: 'info' },
      ...{ DATABASE_URL: database.url, ...SHORT_TIMEOUTS },
    });
    return app;
  }

  it('starts, answers 503, says once that it waits, and serves when the database comes', async () => {
    await server.kill();
    const api = await start();

    await expectUnavailable(api);
    expect((await api.request('GET', '/health/live')).status).toBe(200);

    await server.restart();
    await eventually(() => createUser(api));
    expect(logged('The database is away')).toEqual([
      expect.objectContaining({ level: 40, code: 'DATABASE_UNAVAILABLE' }),
    ]);
    expect(logged('The database is back')).toEqual([
      expect.objectContaining({ failures: expect.any(Number) }),
    ]);
    expect(JSON.stringify(linesSince())).not.toContain('correct-horse');
  });

  it('says in one line which database and which store it uses', async () => {
    await start();

    const lines = linesSince().filter(({ context }) => context === 'UsersStore');
    const where = database.url.replace(/.*@/, '');
    expect(lines.map(({ msg }) => msg)).toEqual([
      `Users are kept in PostgreSQL at ${where}, not cached`,
    ]);
  });

  it('starts in time beside a frozen one', async () => {
    server.freeze();

    const { ms, result: api } = await timed(start);

    expect(ms).toBeLessThan(BOUNDED_MS);
    await expectUnavailable(api);
    server.thaw();
    await eventually(() => createUser(api));
  });

  it('stops in time while it still waits for a frozen one', async () => {
    server.freeze();
    const api = await start();
    app = undefined;

    const { ms } = await timed(() => api.close());

    expect(ms).toBeLessThan(BOUNDED_MS);
    server.thaw();
  });

  it('answers 500 without a word of SQL when its table is gone', async () => {
    const api = await start();
    await database.query('DROP TABLE users');

    const answer = await api.request('GET', '/users/secret-id');

    expect(answer).toMatchObject({ status: 500, json: { code: 'DATABASE_FAILURE' } });
    expect(answer.text).not.toMatch(/42P01|relation|users"|SELECT/);
    const lines = JSON.stringify(linesSince().filter(({ context }) => context === 'ProblemFilter'));
    expect(lines).toContain('42P01');
    expect(lines).not.toMatch(/SELECT|correct-horse/);
  });
});
