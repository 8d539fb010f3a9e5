import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { eventually } from './support/time.js';
import { createUser, startUsersApp, type UsersApp } from './users-app.js';
import { describeWithRealRedis } from './support/real-redis.js';

const COUNT = /^http_request_duration_seconds_count\{(.+)\} (\d+)$/gm;

describe('the HTTP metrics of the users API', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  const startedAt = performance.now();

  beforeAll(async () => {
    server = await startRedis();
    app = await startUsersApp({ REDIS_URL: server.url, REDIS_COMMAND_TIMEOUT: '1000' });
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
  });

  /** How many requests were measured with each set of labels. */
  async function counts(): Promise<Record<string, number>> {
    const { text } = await app.request('GET', '/metrics');
    const found = [...text.matchAll(COUNT)];
    return Object.fromEntries(found.map(([, labels = '', count]) => [labels, Number(count)]));
  }

  const labels = (method: string, route: string, status: number | string): string =>
    `method="${method}",route="${route}",status="${status}"`;

  it('count requests by the pattern of their route, not by their URL', async () => {
    const { id } = await createUser(app);
    await app.request('GET', `/users/${id}`);
    await app.request('GET', `/users/${id}?a=b`);
    await app.request('GET', '/users/nobody');
    await app.request('GET', `/users/${id}/profile`);

    expect(await counts()).toMatchObject({
      [labels('POST', '/users', 201)]: 1,
      [labels('GET', '/users/:id', 200)]: 2,
      [labels('GET', '/users/:id', 404)]: 1,
      [labels('GET', '/users/:id/profile', 200)]: 1,
    });
  });

  it('count all that has no route together', async () => {
    for (const path of ['/nowhere', '/users/1/2/3', '/users/%zz', '/%00"}', '/..%2f']) {
      await app.request('GET', path);
    }

    const measured = await counts();

    expect(measured[labels('GET', 'unmatched', 404)]).toBe(4);
    expect(measured[labels('GET', 'unmatched', 400)]).toBe(1);
    expect(Object.keys(measured).join()).not.toMatch(/nowhere|%|\.\./);
  });

  it('count what is refused before it reaches a handler', async () => {
    await app.request('POST', '/users', {});
    await app.request('POST', '/users', 'x'.repeat(70_000));

    expect(await counts()).toMatchObject({
      [labels('POST', '/users', 400)]: 1,
      [labels('POST', '/users', 413)]: 1,
    });
  });

  it('tell how long requests took, in seconds', async () => {
    const { text } = await app.request('GET', '/metrics');

    const [, sum] =
      /_seconds_sum\{method="POST",route="\/users",status="201"\} (\S+)/.exec(text) ?? [];
    expect(Number(sum)).toBeGreaterThan(0.0001);
    expect(Number(sum)).toBeLessThan((performance.now() - startedAt) / 1_000); // no milliseconds
  });

  describeWithRealRedis('while Redis is frozen', () => {
    beforeAll(() => server.freeze());
    afterAll(() => server.thaw());

    it('count what is answered with 503, and callers that do not wait for it', async () => {
      const listener = app.nest.getHttpServer();
      const { port } = listener.address() as AddressInfo;
      const impatient = http.get({ host: '127.0.0.1', port, path: '/users' });
      impatient.on('error', () => undefined);
      await once(listener, 'request');
      impatient.destroy();
      expect((await app.request('GET', '/users')).status).toBe(503);

      await eventually(async () => {
        expect(await counts()).toMatchObject({
          [labels('GET', '/users', 503)]: 1,
          [labels('GET', '/users', 'aborted')]: 1,
        });
      });
    });
  });
});
