import { chmod, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import libsql from 'libsql';
import {
  startFaultProxy,
  startRedis,
  type FaultProxy,
  type RedisTestServer,
} from 'nestjs-redis-data/testing';
import { Client } from 'pg';

import { describeStartupFailure } from '../apps/users/src/process/startup-failure.js';
import {
  BOUNDED_MS,
  expectUnavailable,
  SHORT_TIMEOUTS,
  UNAVAILABLE,
} from './support/database-outage.js';
import { describeWithPostgres } from './support/describe-with-postgres.js';
import { startPostgres, type PostgresTestServer } from './support/postgres.js';
import { openDatabase, queryOnce, type TestDatabase } from './support/test-database.js';
import { eventually, timed } from './support/time.js';
import { createUser, startUsersApp, type UsersApp } from './users-app.js';

const HANG_UP =
  "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'users-api'";

const WAITING =
  "SELECT query FROM pg_stat_activity WHERE application_name = 'users-api' AND wait_event_type = 'Lock'";

let redis: RedisTestServer;
let app: UsersApp | undefined;

beforeAll(async () => {
  redis = await startRedis();
});

afterEach(async () => {
  await app?.close();
  app = undefined;
});

afterAll(() => redis.stop());

async function start(env: Readonly<Record<string, string>>): Promise<UsersApp> {
  app = await startUsersApp({
    REDIS_URL: redis.url,
    USERS_STORE: 'sql',
    ...SHORT_TIMEOUTS,
    ...env,
  });
  return app;
}

async function failureOf(work: Promise<unknown>): Promise<string> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) throw new Error('it started');
  return describeStartupFailure(error);
}

describeWithPostgres('users API, its PostgreSQL', () => {
  let server: PostgresTestServer;
  let database: TestDatabase;

  beforeAll(async () => {
    server = await startPostgres();
  });

  beforeEach(async () => {
    database = await openDatabase(server);
  });

  afterEach(async () => {
    await app?.close();
    app = undefined;
    await database.close();
  });

  afterAll(() => server.stop());

  describe.each<[string, (of: PostgresTestServer) => unknown, (of: PostgresTestServer) => unknown]>(
    [
      ['killed', (postgres) => postgres.kill(), (postgres) => postgres.restart()],
      ['frozen', (postgres) => postgres.freeze(), (postgres) => postgres.thaw()],
    ],
  )('%s', (_, begin, end) => {
    it('answers 503 in time, and recovers by itself', async () => {
      const api = await start({ DATABASE_URL: database.url, DATABASE_POOL_SIZE: '3' });
      const { id } = await createUser(api);

      await begin(server);
      await expectUnavailable(api, id);
      await expectUnavailable(api, id);

      await end(server);
      await eventually(async () => {
        expect((await api.request('GET', `/users/${id}`)).status).toBe(200);
        await createUser(api);
      });
    });
  });

  it('replaces connections that a network has lost without telling', async () => {
    const proxy = await startFaultProxy(server);
    const api = await start({
      DATABASE_URL: database.url.replace(String(server.port), String(proxy.port)),
      DATABASE_POOL_SIZE: '1',
    });
    const { id } = await createUser(api);

    proxy.stall();
    await expectUnavailable(api, id);
    const accepted = proxy.accepted;
    await proxy.heal();

    await eventually(async () => {
      expect((await api.request('GET', `/users/${id}`)).status).toBe(200);
    });
    expect(proxy.accepted).toBeGreaterThan(accepted);
    await stop(proxy);
  });

  async function stop(proxy: FaultProxy): Promise<void> {
    await app?.close();
    app = undefined;
    await proxy.stop();
  }

  it('answers 503 while all connections are in use for too long', async () => {
    const api = await start({ DATABASE_URL: database.url, DATABASE_POOL_SIZE: '1' });
    const { id } = await createUser(api);
    const release = await lockTable(database);

    const answers = await Promise.all(
      Array.from({ length: 5 }, () => api.request('PATCH', `/users/${id}`, { lastName: 'King' })),
    );

    for (const answer of answers) expect(answer).toMatchObject(UNAVAILABLE);
    await eventually(async () => {
      expect(await database.query(WAITING)).toEqual([]); // the server has given them up as well
    });
    await release();
    expect((await api.request('GET', `/users/${id}`)).json).toMatchObject({ lastName: 'Lovelace' });
  });

  it('answers 503 while the server has too many connections', async () => {
    const small = await startPostgres({
      settings: { max_connections: '4', superuser_reserved_connections: '0' },
    });
    const api = await start({ DATABASE_URL: small.url });
    await createUser(api);
    await queryOnce(small.url, HANG_UP);
    const others = await takeAllConnections(small);

    expect(await api.request('GET', '/users')).toMatchObject(UNAVAILABLE);

    await Promise.all(others.map((other) => other.end()));
    await eventually(async () => expect((await api.request('GET', '/users')).status).toBe(200));
    await api.close();
    app = undefined;
    await small.stop();
  });

  it('answers 503 to changes while the database is read-only, and shows users', async () => {
    const api = await start({ DATABASE_URL: database.url });
    const { id } = await createUser(api);
    const name = database.url.split('/').at(-1);
    await database.query(`ALTER DATABASE ${name} SET default_transaction_read_only = on`);
    await database.query(HANG_UP);

    await eventually(async () => {
      expect((await api.request('GET', `/users/${id}`)).status).toBe(200);
    });
    expect(await api.request('PATCH', `/users/${id}`, { lastName: 'King' })).toMatchObject(
      UNAVAILABLE,
    );
  });

  it('stops in time while its database is frozen', async () => {
    const api = await start({ DATABASE_URL: database.url });
    await createUser(api);
    server.freeze();
    const waiting = api.request('GET', '/users').catch((error: unknown) => error);

    const { ms } = await timed(() => api.close());

    expect(ms).toBeLessThan(BOUNDED_MS);
    app = undefined;
    await waiting;
    server.thaw();
  });

  it('fails the start with one line for what waiting does not mend', async () => {
    const wrongPassword = database.url.replace('correct-horse', 'battery-staple');
    const wrongDatabase = `${database.url}_not`;

    for (const [DATABASE_URL, reason] of [
      [wrongPassword, 'it refuses the user or the password of DATABASE_URL (28P01)'],
      [wrongDatabase, 'it has no database of the name in DATABASE_URL (3D000)'],
      [`${database.url}?sslmode=require`, 'The server does not support SSL connections'],
    ] as const) {
      const line = await failureOf(start({ DATABASE_URL }));
      const database = DATABASE_URL.replace(/.*@|\?.*/g, '');
      expect(line).toBe(
        `PostgreSQL at ${database} cannot be used: ${reason}. Look at DATABASE_URL.`,
      );
    }
  });

  it('makes its tables once when two instances start at the same time', async () => {
    const env = { REDIS_URL: redis.url, USERS_STORE: 'sql', DATABASE_URL: database.url };
    const apps = await Promise.all(Array.from({ length: 4 }, () => startUsersApp(env)));

    for (const api of apps) await createUser(api);
    expect(await database.query('SELECT name FROM migrations')).toEqual([
      { name: 'CreateUsers1764201600000' },
    ]);
    await Promise.all(apps.map((api) => api.close()));

    const later = await start({ DATABASE_URL: database.url });
    expect((await later.request('GET', '/users')).json).toHaveLength(4);
  });
});

describeWithPostgres('users API, over TLS', () => {
  it('checks the certificate of PostgreSQL, and says that it is not trusted', async () => {
    const secure = await startPostgres({ tls: true });
    const folder = await mkdtemp(join(tmpdir(), 'users-tls-'));
    const ca = join(folder, 'ca.pem');
    await writeFile(ca, String(secure.tls?.ca));

    const line = await failureOf(start({ DATABASE_URL: `${secure.url}?sslmode=verify-full` }));
    expect(line).toMatch(/cannot be used: .*certificate/);

    const api = await start({
      DATABASE_URL: `${secure.url}?sslmode=verify-full&sslrootcert=${ca}`,
    });
    await createUser(api);
    const used = 'SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)';
    expect(
      await queryOnce(secure.url, `${used} WHERE application_name = 'users-api'`),
    ).toContainEqual({ ssl: true });

    await api.close();
    app = undefined;
    await secure.stop();
    await rm(folder, { recursive: true });
  });
});

describe('users API, its file', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'users-file-'));
    file = join(folder, '.data', 'users.db');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  it('is in a folder for its owner alone, and keeps users beyond the process', async () => {
    const first = await start({ DATABASE_URL: `file:${file}` });
    const user = await createUser(first);
    expect((await stat(join(folder, '.data'))).mode & 0o777).toBe(0o700);
    await first.close();

    const second = await start({ DATABASE_URL: `file:${file}` });

    expect((await second.request('GET', `/users/${user.id}`)).json).toEqual(user);
  });

  it('has its tables made once when instances start at the same time', async () => {
    const env = { REDIS_URL: redis.url, USERS_STORE: 'sql', DATABASE_URL: `file:${file}` };
    const apps = await Promise.all(Array.from({ length: 3 }, () => startUsersApp(env)));

    for (const api of apps) await eventually(() => createUser(api));
    await Promise.all(apps.map((api) => api.close()));
    const database = new libsql(file);
    expect(database.prepare('SELECT name FROM migrations').all()).toHaveLength(1);
    database.close();
  });

  it('answers 503 while another process writes for too long', async () => {
    const api = await start({ DATABASE_URL: `file:${file}` });
    const { id } = await createUser(api);
    const other = new libsql(file);
    other.exec('BEGIN IMMEDIATE');

    const answer = await api.request('PATCH', `/users/${id}`, { lastName: 'King' });
    expect(answer).toMatchObject(UNAVAILABLE);
    expect((await api.request('GET', `/users/${id}`)).status).toBe(200);

    other.exec('ROLLBACK');
    other.close();
    expect((await api.request('PATCH', `/users/${id}`, { lastName: 'King' })).status).toBe(200);
  });

  it('fails the start with one line if it cannot be opened', async () => {
    await writeFile(join(folder, 'users.db'), 'no database '.repeat(1_000));
    await chmod(join(folder, 'users.db'), 0o600);

    const line = await failureOf(start({ DATABASE_URL: `file:${join(folder, 'users.db')}` }));

    expect(line).toMatch(
      /^SQLite in the file .*users\.db cannot be used: .*Look at DATABASE_URL\.$/,
    );
    expect(line).not.toContain('\n');
  });
});

/** Opens connections until the server has no more. */
async function takeAllConnections({ url }: PostgresTestServer): Promise<Client[]> {
  const taken: Client[] = [];
  for (;;) {
    const client = new Client({ connectionString: url });
    try {
      await client.connect();
    } catch (error) {
      expect(error).toMatchObject({ code: '53300' });
      return taken;
    }
    taken.push(client);
  }
}

/** Keeps everyone else who needs the table waiting. */
async function lockTable({ url }: TestDatabase): Promise<() => Promise<void>> {
  const client = new Client({ connectionString: url });
  await client.connect();
  await client.query('BEGIN');
  await client.query('LOCK TABLE users IN ACCESS EXCLUSIVE MODE');
  return () => client.end();
}
