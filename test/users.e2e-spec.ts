import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { describeWithRealRedis } from './support/real-redis.js';
import { ADA, createUser, startUsersApp, type ShownUser, type UsersApp } from './users-app.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const ISO_DATE = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

describe('users API', () => {
  let server: RedisTestServer;
  let redis: Redis;
  let app: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    app = await startUsersApp({ REDIS_URL: server.url });
  });

  afterAll(async () => {
    await app.close();
    redis.disconnect();
    await server.stop();
  });

  it('creates a user and says where it is', async () => {
    const { status, headers, json } = await app.request('POST', '/users', ADA);

    const user = json as ShownUser;
    expect(status).toBe(201);
    expect(user).toEqual({
      ...ADA,
      id: expect.stringMatching(UUID),
      createdAt: expect.stringMatching(ISO_DATE),
      updatedAt: user.createdAt,
    });
    expect(headers['location']).toBe(`/users/${user.id}`);
  });

  it('reads a user', async () => {
    const user = await createUser(app);

    expect(await app.request('GET', `/users/${user.id}`)).toMatchObject({
      status: 200,
      json: user,
    });
  });

  it('keeps text as it was given, whatever the script', async () => {
    const details = { firstName: ' Zoë ', lastName: "O'Neill-李 👩‍🚀" };
    const { id } = await createUser(app, details);

    expect((await app.request('GET', `/users/${id}`)).json).toMatchObject(details);
  });

  it('changes the fields it is given and keeps the others', async () => {
    const user = await createUser(app);

    const { status, json } = await app.request('PATCH', `/users/${user.id}`, { lastName: 'King' });

    const changed = json as ShownUser;
    expect(status).toBe(200);
    expect(changed).toEqual({ ...user, lastName: 'King', updatedAt: changed.updatedAt });
    expect(Date.parse(changed.updatedAt)).toBeGreaterThanOrEqual(Date.parse(user.updatedAt));
    expect((await app.request('GET', `/users/${user.id}`)).json).toEqual(changed);
  });

  it('deletes a user once', async () => {
    const { id } = await createUser(app);

    expect(await app.request('DELETE', `/users/${id}`)).toMatchObject({ status: 204, text: '' });
    expect((await app.request('DELETE', `/users/${id}`)).status).toBe(404);
    expect((await app.request('GET', `/users/${id}`)).status).toBe(404);
  });

  it('shows a profile with the trimmed names', async () => {
    const user = await createUser(app, { firstName: '  Ada ', lastName: ' Lovelace\t' });

    expect(await app.request('GET', `/users/${user.id}/profile`)).toMatchObject({
      status: 200,
      json: { ...user, displayName: 'Ada Lovelace' },
    });
  });

  describe('changes at the same time', () => {
    it('keeps both when they are of different fields', async () => {
      const { id } = await createUser(app);

      for (let round = 0; round < 10; round++) {
        const [firstName, lastName] = [`First ${round}`, `Last ${round}`];
        const answers = await Promise.all([
          app.request('PATCH', `/users/${id}`, { firstName }),
          app.request('PATCH', `/users/${id}`, { lastName }),
        ]);

        expect(answers.map(({ status }) => status)).toEqual([200, 200]);
        const { json } = await app.request('GET', `/users/${id}`);
        expect(json).toMatchObject({ firstName, lastName });
      }
    });

    it('does not bring back a user that is deleted meanwhile', async () => {
      for (let round = 0; round < 10; round++) {
        const { id } = await createUser(app);
        const [changed, deleted] = await Promise.all([
          app.request('PATCH', `/users/${id}`, { lastName: 'King' }),
          app.request('DELETE', `/users/${id}`),
        ]);

        expect([200, 404]).toContain(changed.status);
        expect(deleted.status).toBe(204);
        expect((await app.request('GET', `/users/${id}`)).status).toBe(404);
      }
    });
  });

  describe('reading several users', () => {
    it('keeps the order asked for, leaves out the missing and shows each once', async () => {
      const [a, b] = [await createUser(app), await createUser(app)];

      const answer = await app.request('GET', `/users?ids=${b.id},1,${a.id},${b.id}`);

      expect(answer).toMatchObject({ status: 200, json: [b, a] });
    });

    it('takes a repeated parameter for one list', async () => {
      const [a, b] = [await createUser(app), await createUser(app)];

      expect((await app.request('GET', `/users?ids=${b.id}&ids=${a.id}`)).json).toEqual([b, a]);
    });

    it('answers with an empty list when there is none of them', async () => {
      expect(await app.request('GET', '/users?ids=1,2,3')).toMatchObject({ status: 200, json: [] });
    });
  });

  describeWithRealRedis('counting commands', () => {
    /** Commands that the application sends, without those that a script runs inside the server. */
    async function commandsDuring(act: () => Promise<unknown>): Promise<string[]> {
      const monitor = await redis.monitor();
      const commands: string[] = [];
      const end = new Promise<void>((resolve) => {
        monitor.on('monitor', (_time: string, [command = '']: string[], source: string) => {
          if (command === 'echo') resolve();
          else if (source !== 'lua') commands.push(command);
        });
      });
      await act();
      await redis.echo('the end');
      await end;
      monitor.disconnect();
      return commands;
    }

    it('reads a hundred users in one round trip', async () => {
      const { id } = await createUser(app);
      const ids = [id, ...Array.from({ length: 99 }, (_, i) => String(i))];

      const commands = await commandsDuring(() => app.request('GET', `/users?ids=${ids.join()}`));

      expect(commands).toEqual(['mget']);
    });

    it('writes a user, its expiry and the claim to its e-mail in one command', async () => {
      await createUser(app); // the server has the script from now on

      expect(await commandsDuring(() => createUser(app))).toEqual(['evalsha']);
    });

    it('reads a user to change it, writes it if no other request has, and invalidates what is cached', async () => {
      const { id } = await createUser(app);

      const commands = await commandsDuring(() =>
        app.request('PATCH', `/users/${id}`, { lastName: 'King' }),
      );

      expect(commands).toEqual(['mget', 'evalsha', 'evalsha']);
    });

    it('sends nothing for a request that is not valid, or an id that no user has', async () => {
      const commands = await commandsDuring(async () => {
        await app.request('POST', '/users', {});
        await app.request('GET', '/users?limit=0');
        await app.request('GET', '/users?cursor=x');
        await app.request('GET', `/users/${'x'.repeat(65)}`);
      });

      expect(commands).toEqual([]);
    });
  });

  describe('in Redis', () => {
    it('keeps a user as readable JSON under its documented key', async () => {
      const user = await createUser(app);

      expect(JSON.parse((await redis.get(app.keyPrefix + user.id)) ?? '')).toEqual(user);
    });

    it('lets a user expire an hour after it was last written', async () => {
      const { id } = await createUser(app);
      await redis.pexpire(app.keyPrefix + id, 60_000);

      await app.request('PATCH', `/users/${id}`, { lastName: 'King' });

      const ttl = await redis.pttl(app.keyPrefix + id);
      expect(ttl).toBeGreaterThan(3_590_000);
      expect(ttl).toBeLessThanOrEqual(3_600_000);
    });

    it('keeps the claim to an e-mail under its documented key, for as long as the user', async () => {
      const { id, email } = await createUser(app);

      const key = app.emailKeyPrefix + email;
      expect(await redis.get(key)).toMatch(new RegExp(`:${id}$`));
      expect(await redis.pttl(key)).toBeGreaterThan(3_590_000);
      await app.request('DELETE', `/users/${id}`);
      expect(await redis.exists(key)).toBe(0);
    });

    it.each([
      ['2h', 7_190_000, 7_200_000],
      ['90', 80_000, 90_000],
      ['forever', -1, -1],
    ])('follows REDIS_DEFAULT_TTL=%s', async (ttl, least, most) => {
      const other = await startUsersApp({ REDIS_URL: server.url, REDIS_DEFAULT_TTL: ttl });
      try {
        const { id } = await createUser(other);

        const left = await redis.pttl(other.keyPrefix + id);
        expect(left).toBeGreaterThanOrEqual(least);
        expect(left).toBeLessThanOrEqual(most);
      } finally {
        await other.close();
      }
    });

    it('never shows the users of another application on the same server', async () => {
      const other = await startUsersApp({ REDIS_URL: server.url });
      try {
        const { id } = await createUser(other);

        expect((await app.request('GET', `/users/${id}`)).status).toBe(404);
      } finally {
        await other.close();
      }
    });
  });
});
