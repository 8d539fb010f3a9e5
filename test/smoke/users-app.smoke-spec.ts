import { afterEach, describe, expect, it } from '@jest/globals';
import { BuiltApp } from './support/built-app.js';

let app: BuiltApp | undefined;

const start = (environment: Readonly<Record<string, string>> = {}): BuiltApp => {
  app = new BuiltApp(environment);
  return app;
};

afterEach(async () => {
  await app?.cleanUp();
  app = undefined;
});

describe('the built application, with no Redis configured', () => {
  it('stores a user, reads it back and says that it is up', async () => {
    const url = await start().url();

    const created = await fetch(`${url}/users`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ firstName: 'Ada', lastName: 'Lovelace', email: 'ada@example.com' }),
    });
    const user = (await created.json()) as { id: string };
    const read = await fetch(`${url}/users/${user.id}`);
    const health = await fetch(`${url}/health`);

    expect(created.status).toBe(201);
    expect(await read.json()).toMatchObject({ id: user.id, firstName: 'Ada' });
    expect(health.status).toBe(200);
    expect(await health.json()).toMatchObject({ status: 'ok' });
  });

  it('says in one line of its log which Redis it uses', async () => {
    const running = start();
    await running.url();

    const lines = running.output.split('\n').filter((line) => line.includes('"RedisServer"'));

    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/(redis|valkey)-server|embedded/i);
  });

  it('says in one line of its log where users are kept', async () => {
    const running = start();
    await running.url();

    const lines = running.output.split('\n').filter((line) => line.includes('"UsersStore"'));

    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('SQLite in the file .data/users.db, cached in Redis');
  });

  // One that is given up on, after 8 s, ends with exit code 1.
  it.each(['SIGTERM', 'SIGINT'] as const)('stops on %s, with exit code 0', async (signal) => {
    const running = start();
    await running.url();

    const { code } = await running.stop(signal);

    expect(code).toBe(0);
  });
});

describe('the built application, with a log for people', () => {
  it('writes lines that are no JSON, down to the last one', async () => {
    const running = start({ LOG_FORMAT: 'pretty' });
    await running.url();
    await running.stop('SIGTERM');

    expect(running.output).toMatch(/INFO.*UsersApi: Listening on http/);
    expect(running.output).toMatch(/INFO.*UsersApi: Stopping.*\n/);
    expect(running.output).not.toContain('{"level"');
  });
});

describe('the built application, with a bad environment', () => {
  it('lists every problem, keeps the secrets and exits with 1', async () => {
    const running = start({
      PORT: 'eighty',
      LOG_LEVEL: 'loud',
      REDIS_URL: 'http://user:hunter2@localhost',
      REDIS_PASSWORD: 'hunter3',
      REDIS_PORT: '99999',
      REDIS_STARTUP: 'sometimes',
      REDIS_COMMAND_TIMEOUT: 'soon',
    });

    const { code } = await running.exit();

    expect(code).toBe(1);
    for (const variable of ['PORT=eighty', 'LOG_LEVEL=loud', 'REDIS_PORT=99999']) {
      expect(running.output).toContain(variable);
    }
    for (const variable of ['REDIS_URL', 'REDIS_STARTUP=sometimes', 'REDIS_COMMAND_TIMEOUT=soon']) {
      expect(running.output).toContain(variable);
    }
    expect(running.output).not.toMatch(/hunter/);
    expect(running.output).not.toMatch(/\n\s+at /);
  });

  it('says at once all that is to be set in production', async () => {
    const running = start({ NODE_ENV: 'production' });

    const { code } = await running.exit();

    expect(code).toBe(1);
    for (const variable of ['DATABASE_URL', 'REDIS_URL']) {
      expect(running.output).toContain(`- ${variable} is not set: `);
    }
    expect(running.output).not.toMatch(/\n\s+at /);
  });
});
