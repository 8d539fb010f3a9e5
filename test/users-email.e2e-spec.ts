import { randomUUID } from 'node:crypto';

import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { eventually } from './support/time.js';
import { ADA, createUser, startUsersApp, type UsersApp } from './users-app.js';

const TAKEN = {
  status: 409,
  headers: { 'content-type': 'application/problem+json; charset=utf-8' },
  json: {
    type: 'urn:users-api:conflict',
    title: 'Conflict',
    status: 409,
    detail: 'Some values are already taken; see "errors".',
    code: 'CONFLICT',
    errors: [{ property: 'email', messages: ['email is already taken'] }],
  },
};

describe('users API, unique e-mails', () => {
  let server: RedisTestServer;
  let redis: Redis;
  let app: UsersApp;
  let email: string;

  beforeAll(async () => {
    server = await startRedis();
    redis = new Redis(server.url);
    app = await startUsersApp({ REDIS_URL: server.url });
  });

  beforeEach(() => {
    email = `${randomUUID()}@example.com`;
  });

  afterAll(async () => {
    await app.close();
    redis.disconnect();
    await server.stop();
  });

  const create = (address = email) => app.request('POST', '/users', { ...ADA, email: address });
  const change = (id: string, changes: object) => app.request('PATCH', `/users/${id}`, changes);

  it('refuses a second user with the e-mail of another one, whatever its case', async () => {
    await createUser(app, { email });

    expect(await create()).toMatchObject(TAKEN);
    expect(await create(email.toUpperCase())).toMatchObject(TAKEN);
  });

  it('keeps an e-mail in lower case, whether given to a new user or to an old one', async () => {
    const { id, email: created } = await createUser(app, { email: 'Grace@Example.COM' });
    const { json } = await change(id, { email: 'Grace.Hopper@Example.COM' });

    expect(created).toBe('grace@example.com');
    expect(json).toMatchObject({ email: 'grace.hopper@example.com' });
  });

  it('refuses spaces around an e-mail', async () => {
    expect((await create(` ${email}`)).status).toBe(400);
    expect((await create(`${email} `)).status).toBe(400);
  });

  it('refuses to change an e-mail to that of another user, and changes nothing then', async () => {
    await createUser(app, { email });
    const other = await createUser(app);

    expect(await change(other.id, { lastName: 'King', email })).toMatchObject(TAKEN);
    expect((await app.request('GET', `/users/${other.id}`)).json).toEqual(other);
  });

  it('lets a user keep its own e-mail', async () => {
    const { id } = await createUser(app, { email });

    expect(await change(id, { email: email.toUpperCase() })).toMatchObject({
      status: 200,
      json: { email },
    });
    expect(await create()).toMatchObject(TAKEN);
  });

  it('gives an e-mail to one of many who ask for it at the same time', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => create()));

    const statuses = answers.map(({ status }) => status).sort();
    expect(statuses).toEqual([201, ...Array.from({ length: 19 }, () => 409)]);
  });

  describe('is free again', () => {
    it('when its user was deleted', async () => {
      const { id } = await createUser(app, { email });
      await app.request('DELETE', `/users/${id}`);

      expect((await create()).status).toBe(201);
    });

    it('when its user has expired', async () => {
      const { id } = await createUser(app, { email });
      await redis.pexpire(app.keyPrefix + id, 1);
      await eventually(async () => expect(await redis.exists(app.keyPrefix + id)).toBe(0));

      expect((await create()).status).toBe(201);
    });

    it('when its user has another one', async () => {
      const { id } = await createUser(app, { email });
      await change(id, { email: `new-${email}` });

      expect((await create()).status).toBe(201);
      expect(await create(`new-${email}`)).toMatchObject(TAKEN);
    });
  });
});
