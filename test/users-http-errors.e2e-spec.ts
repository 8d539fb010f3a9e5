import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Redis } from 'ioredis';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import {
  ADA,
  createUser,
  startUsersApp,
  type Answer,
  type ShownUser,
  type UsersApp,
} from './users-app.js';

interface ProblemBody {
  readonly errors: readonly { readonly property: string; readonly messages: readonly string[] }[];
}

function propertiesOf({ json }: Answer): string[] {
  return (json as ProblemBody).errors.map(({ property }) => property).sort();
}

/** Expects what RFC 9457 demands of every error, and that no internals show. */
function expectProblem(answer: Answer, status: number): void {
  expect(answer.headers['content-type']).toMatch(/^application\/problem\+json/);
  expect(answer.json).toMatchObject({
    type: expect.stringMatching(/^(about:blank|urn:)/),
    title: expect.any(String),
    status,
  });
  expect(answer.status).toBe(status);
  expect(answer.text).not.toMatch(/node_modules|\.ts:|\bat \w+ \(|127\.0\.0\.1/);
}

describe('users API, bad requests', () => {
  let server: RedisTestServer;
  let app: UsersApp;

  beforeAll(async () => {
    server = await startRedis();
    app = await startUsersApp({ REDIS_URL: server.url });
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  describe('bodies', () => {
    it.each([
      ['no body', undefined, ['email', 'firstName', 'lastName']],
      ['null', 'null', ['email', 'firstName', 'lastName']],
      ['a list', [], ['email', 'firstName', 'lastName']],
      ['a text', '"Ada"', ['email', 'firstName', 'lastName']],
      ['a bad e-mail', { ...ADA, email: 'ada@' }, ['email']],
      ['a long e-mail', { ...ADA, email: `${'a'.repeat(250)}@b.co` }, ['email']],
      ['an e-mail with a name', { ...ADA, email: 'Ada <ada@example.com>' }, ['email']],
      ['an empty name', { ...ADA, firstName: '' }, ['firstName']],
      ['a blank name', { ...ADA, firstName: ' \t' }, ['firstName']],
      [
        'the character NUL',
        { ...ADA, firstName: 'A\0da', lastName: '\0' },
        ['firstName', 'lastName'],
      ],
      ['half of a surrogate pair', { ...ADA, firstName: 'A\ud83dda' }, ['firstName']],
      ['a long name', { ...ADA, lastName: 'x'.repeat(101) }, ['lastName']],
      ['null for a name', { ...ADA, lastName: null }, ['lastName']],
      [
        'wrong types',
        { firstName: 1, lastName: {}, email: [] },
        ['email', 'firstName', 'lastName'],
      ],
      ['an unknown field', { ...ADA, admin: true }, ['admin']],
      ['fields of the server', { ...ADA, id: '1', createdAt: 0 }, ['createdAt', 'id']],
      [
        'names that every object has',
        { ...ADA, constructor: 1, toString: 2 },
        ['constructor', 'toString'],
      ],
      ['everything wrong', { email: 1, x: 1 }, ['email', 'firstName', 'lastName', 'x']],
    ])('refuses %s and lists every field', async (_, body, properties) => {
      const answer = await app.request('POST', '/users', body);

      expectProblem(answer, 400);
      expect(propertiesOf(answer)).toEqual(properties);
    });

    it.each([
      ['{"firstName":', 'cut off'],
      ['', 'empty'],
      [`{"__proto__":{"admin":true},${JSON.stringify(ADA).slice(1)}`, 'with __proto__'],
      [`{"constructor":{"prototype":{}},${JSON.stringify(ADA).slice(1)}`, 'with a prototype'],
    ])('refuses JSON such as %s (%s)', async (body) => {
      expectProblem(await app.request('POST', '/users', body), 400);
    });

    it('refuses more than 64 KiB', async () => {
      const body = { ...ADA, firstName: 'x'.repeat(64 * 1024) };

      expectProblem(await app.request('POST', '/users', body), 413);
    });

    it.each(['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'nonsense'])(
      'refuses a body of type %s',
      async (type) => {
        const answer = await app.request('POST', '/users', 'firstName=Ada', {
          'content-type': type,
        });

        expectProblem(answer, 415);
      },
    );

    it('refuses a bad change, and null as a way to remove a field, without changing anything', async () => {
      const user = await createUser(app);

      const answer = await app.request('PATCH', `/users/${user.id}`, {
        firstName: null,
        lastName: 'King',
        email: 'no',
      });

      expectProblem(answer, 400);
      expect(propertiesOf(answer)).toEqual(['email', 'firstName']);
      expect((await app.request('GET', `/users/${user.id}`)).json).toEqual(user);
    });
  });

  describe('lists', () => {
    it.each([
      ['/users?ids=', ['ids']],
      ['/users?ids=1,,2', ['ids']],
      [`/users?ids=${Array.from({ length: 101 }, (_, i) => i).join()}`, ['ids']],
      [`/users?ids=1,${'x'.repeat(65)}`, ['ids']],
      ['/users?ids=1&fields=email', ['fields']],
      ['/users?limit=', ['limit']],
      ['/users?limit=0', ['limit']],
      ['/users?limit=101', ['limit']],
      ['/users?limit=1.5', ['limit']],
      ['/users?limit=many', ['limit']],
      ['/users?limit=1&limit=2', ['limit']],
      ['/users?cursor=', ['cursor']],
      ['/users?cursor=next', ['cursor']],
      ['/users?cursor=0&cursor=0', ['cursor']],
      ['/users?limit=x&cursor[]=0', ['cursor[]', 'limit']],
      ['/users?ids=1&limit=1', ['limit']],
      ['/users?ids=1&limit=1&cursor=0', ['cursor', 'limit']],
    ])('refuses %s', async (url, properties) => {
      const answer = await app.request('GET', url);

      expectProblem(answer, 400);
      expect(propertiesOf(answer)).toEqual(properties);
    });

    it('takes ids that mean something to Redis for ordinary text', async () => {
      const { id } = await createUser(app);

      const answer = await app.request('GET', `/users?ids=*,a:b,%7Bx%7D,[a],%00,${id}`);

      expect(answer.json).toEqual([expect.objectContaining({ id })]);
    });
  });

  describe('unknown users', () => {
    it.each([
      '*',
      'a:b',
      '{x}',
      '[a-z]',
      '\\',
      '👩‍🚀',
      '..',
      '../..',
      '\u0000',
      'x'.repeat(65),
      'x'.repeat(9_000),
    ])('answers 404 for the id %j', async (id) => {
      const url = `/users/${encodeURIComponent(id)}`;

      expectProblem(await app.request('GET', url), 404);
      expectProblem(await app.request('GET', `${url}/profile`), 404);
      expectProblem(await app.request('PATCH', url, { lastName: 'King' }), 404);
      expectProblem(await app.request('DELETE', url), 404);
    });

    it.each(['/users/%2e%2e', '/users/%2E%2E%2Fhealth', '/users/', '/nowhere'])(
      'answers 404 for %s',
      async (url) => {
        expectProblem(await app.request('GET', url), 404);
      },
    );

    it.each(['/users/%zz', '/users/%ED%A0%80'])(
      'answers 400 for %s, which is no URL',
      async (url) => {
        const answer = await app.request('GET', url);

        expectProblem(answer, 400);
        expect(answer.headers['x-request-id']).toEqual(expect.any(String));
      },
    );
  });

  describe('stored data that is not a user', () => {
    let redis: Redis;

    beforeAll(() => {
      redis = new Redis(server.url);
    });

    afterEach(() => redis.del(`${app.keyPrefix}broken`));

    afterAll(() => redis.disconnect());

    it.each(['hunter2', '"hunter2"', '{"id":"hunter2"}', '{"id":"broken"}', '[]', ''])(
      'answers 500 for %j and shows nothing of it',
      async (text) => {
        await redis.set(`${app.keyPrefix}broken`, text);

        for (const url of ['/users/broken', '/users/broken/profile', '/users?ids=1,broken']) {
          const answer = await app.request('GET', url);

          expectProblem(answer, 500);
          expect(answer.text).not.toContain('hunter2');
          expect(answer.text).not.toContain('broken');
        }
      },
    );

    it('leaves it out of the pages of all users', async () => {
      const { id } = await createUser(app);
      await redis.set(`${app.keyPrefix}broken`, '{"id":"broken"}');

      const { status, json } = await app.request('GET', '/users?limit=100');

      expect(status).toBe(200);
      expect((json as ShownUser[]).map((user) => user.id)).toContain(id);
    });

    it('takes a key of another type for no user', async () => {
      await redis.hset(`${app.keyPrefix}broken`, 'a', '1');

      expectProblem(await app.request('GET', '/users/broken'), 404);
      expect((await app.request('GET', '/users?ids=broken')).json).toEqual([]);
    });
  });
});
