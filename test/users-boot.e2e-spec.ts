import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';

import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  it,
  jest,
} from '@jest/globals';
import { Test } from '@nestjs/testing';
import { getRedisToken, redisConfig, type RedisClient } from 'nestjs-redis-data';
import type { ResolvedRedis } from 'nestjs-redis-data/embedded';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { AppModule } from '../apps/users/src/app.module.js';
import { appConfig } from '../apps/users/src/config/app.config.js';
import { createHttpAdapter } from '../apps/users/src/http/http-adapter.js';
import { describeStartupFailure } from '../apps/users/src/process/startup-failure.js';
import { RESOLVED_REDIS } from '../apps/users/src/redis/redis-server.module.js';
import { eventually } from './support/time.js';
import { createUser, startUsersApp, withEnvironment, type UsersApp } from './users-app.js';

type Env = Readonly<Record<string, string>>;

/** Returns what the process would print on stderr before it exits with 1. */
async function failureOf(start: () => Promise<{ close(): Promise<void> }>): Promise<string> {
  let service;
  try {
    service = await start();
  } catch (error) {
    return describeStartupFailure(error);
  }
  await service.close();
  throw new Error('it started');
}

/** Listens like a server that says nothing, and counts who comes. */
async function listen(port = 0): Promise<{ server: Server; port: number; visitors: () => number }> {
  let visitors = 0;
  const server = createServer((socket) => {
    visitors++;
    socket.destroy();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port, visitors: () => visitors };
}

async function close(server: Server): Promise<void> {
  server.close();
  await once(server, 'close');
}

const IN_REDIS = { LOG_LEVEL: 'silent', USERS_STORE: 'redis' };

describe('starting the users API', () => {
  describe('while Redis is away', () => {
    let redis: RedisTestServer;
    const apps: UsersApp[] = [];

    async function start(env: Env): Promise<UsersApp> {
      const app = await startUsersApp({
        REDIS_URL: redis.url,
        REDIS_COMMAND_TIMEOUT: '1000',
        ...env,
      });
      apps.push(app);
      return app;
    }

    beforeEach(async () => {
      redis = await startRedis();
      await redis.kill();
    });

    afterEach(async () => {
      await Promise.all(apps.splice(0).map((app) => app.close()));
      await redis.stop();
    });

    it('starts anyway, answers 503, and works once Redis is there', async () => {
      const app = await start({});

      expect((await app.request('GET', '/users/1')).status).toBe(503);
      expect((await app.request('GET', '/health')).status).toBe(503);

      await redis.restart();
      await eventually(async () => {
        await createUser(app);
      });
    });

    it('waits for Redis with REDIS_STARTUP=wait', async () => {
      const silent = await listen(redis.port);
      let started = false;
      const starting = start({ REDIS_STARTUP: 'wait' }).finally(() => (started = true));
      await once(silent.server, 'connection');
      expect(started).toBe(false);
      await close(silent.server);

      await redis.restart();
      const app = await starting;

      expect((await app.request('GET', '/health')).status).toBe(200);
      await createUser(app);
    });

    it('fails with REDIS_STARTUP=require, and says what to do', async () => {
      const require = { url: redis.url, startup: 'require', startupTimeout: '300ms' } as const;

      const failure = await failureOf(() =>
        withEnvironment({ ...IN_REDIS, REDIS_URL: redis.url }, () =>
          Test.createTestingModule({ imports: [AppModule.with({ usersStore: 'redis' })] })
            .overrideProvider(redisConfig.KEY)
            .useValue(require)
            .compile(),
        ),
      );

      expect(failure).toContain(`127.0.0.1:${redis.port}`);
      expect(failure).toContain("'require'");
      expect(failure).not.toMatch(/^ +at /m);
    });
  });

  describe('with something wrong', () => {
    let redis: RedisTestServer;

    beforeAll(async () => {
      redis = await startRedis({ password: 'hunter2' });
    });

    afterAll(() => redis.stop());

    it('lists every bad variable at once and connects to nothing', async () => {
      const target = await listen();

      const failure = await failureOf(() =>
        startUsersApp({
          PORT: 'eighty',
          LOG_LEVEL: 'loud',
          REDIS_URL: `redis://:hunter2@127.0.0.1:${target.port}`,
          REDIS_DB: 'first',
          REDIS_COMMAND_TIMEOUT: '-1',
          REDIS_DEFAULT_TTL: 'never',
          REDIS_STARTUP: 'later',
          REDIS_TLS: 'yes',
        }),
      );

      expect(failure.split('\n')).toEqual([
        'The environment has 7 problems; .env.example documents every variable:',
        expect.stringMatching(/^ {2}- PORT=eighty: .*65535/),
        expect.stringMatching(/^ {2}- LOG_LEVEL=loud: .*info/),
        expect.stringMatching(/^ {2}- REDIS_DB=first: /),
        expect.stringMatching(/^ {2}- REDIS_TLS=yes: .*true/),
        expect.stringMatching(/^ {2}- REDIS_COMMAND_TIMEOUT=-1: .*milliseconds/),
        expect.stringMatching(/^ {2}- REDIS_DEFAULT_TTL=never: .*forever/),
        expect.stringMatching(/^ {2}- REDIS_STARTUP=later: .*background/),
      ]);
      expect(failure).not.toContain('hunter2');
      expect(target.visitors()).toBe(0);
      await close(target.server);
    });

    it('says which Redis variables to set where none may be started', async () => {
      const failure = await failureOf(() => startUsersApp({ REDIS_EMBEDDED: 'off' }));

      expect(failure).toMatch(/REDIS_URL.*REDIS_EMBEDDED=off/s);
      expect(failure).not.toMatch(/^ +at /m);
    });

    it('says that the password is wrong, without showing it', async () => {
      const url = redis.url.replace('hunter2', 'hunter3');

      const failure = await failureOf(() =>
        startUsersApp({ REDIS_URL: url, REDIS_STARTUP: 'require' }),
      );

      expect(failure).toMatch(/password|credentials/i);
      expect(failure).not.toMatch(/hunter|^ +at /m);
    });

    it('says that the port is taken', async () => {
      const other = await listen();

      const failure = await failureOf(() =>
        startUsersApp({ REDIS_URL: redis.url, PORT: String(other.port) }),
      );

      expect(failure).toBe(
        `Cannot listen on 127.0.0.1:${other.port}: another process uses it. ` +
          'Stop that one, or set PORT.',
      );
      await close(other.server);
    });
  });

  it('stops the Redis that was started for it, after saying goodbye to it', async () => {
    const redis = await startRedis();
    const goodbyes: unknown[] = [];
    const started: Pick<ResolvedRedis, 'stop'> & Partial<ResolvedRedis> = {
      source: 'server',
      url: redis.url,
      description: 'a server of this test',
      stop: () => redis.stop(),
    };
    const nest = await withEnvironment({ ...IN_REDIS, REDIS_URL: redis.url }, async () => {
      const testing = await Test.createTestingModule({
        imports: [AppModule.with({ usersStore: 'redis' })],
      })
        .overrideProvider(RESOLVED_REDIS)
        .useValue(started)
        .compile();
      return testing.createNestApplication(createHttpAdapter(appConfig())).init();
    });
    const client = nest.get<RedisClient>(getRedisToken());
    await client.ping();
    const quit = jest.spyOn(client, 'quit');
    jest.spyOn(started, 'stop').mockImplementation(async () => {
      goodbyes.push(await quit.mock.results[0]?.value);
      await redis.stop();
    });

    await nest.close();

    expect(goodbyes).toEqual(['OK']);
  });
});
