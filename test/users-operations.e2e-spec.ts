import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { captureLog, type CapturedLog, type LogLine } from './support/capture-log.js';
import { eventually } from './support/time.js';
import { ADA, startUsersApp, type UsersApp } from './users-app.js';

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The part of an OpenAPI operation that is looked at. */
interface Operation {
  readonly responses: Readonly<Record<string, { readonly headers?: Record<string, Header> }>>;
}

interface Header {
  readonly schema: { readonly enum?: readonly string[] };
}

describe('operating the users API', () => {
  let server: RedisTestServer;
  let app: UsersApp;
  let log: CapturedLog;

  beforeAll(async () => {
    log = captureLog();
    server = await startRedis();
    app = await startUsersApp({
      REDIS_URL: server.url,
      REDIS_STARTUP: 'wait',
      LOG_LEVEL: 'info',
    });
  });

  afterAll(async () => {
    await app.close();
    await server.stop();
    log.release();
  });

  /** Lines that were logged for a request. */
  function linesOf(requestId: string): LogLine[] {
    return log.lines().filter(({ req }) => (req as { id?: string } | undefined)?.id === requestId);
  }

  it.each([
    ['/health', { status: 'ok', details: { process: { status: 'up' }, redis: { status: 'up' } } }],
    ['/health/ready', { status: 'ok', details: { redis: { status: 'up' } } }],
    ['/health/live', { status: 'ok' }],
  ])('answers %s with 200 while Redis answers', async (path, json) => {
    expect(await app.request('GET', path)).toMatchObject({
      status: 200,
      json,
      headers: { 'cache-control': expect.stringContaining('no-store') },
    });
  });

  describe('documentation', () => {
    it('can be read by people', async () => {
      const { status, headers, text } = await app.request('GET', '/docs');

      expect(status).toBe(200);
      expect(headers['content-type']).toMatch(/^text\/html/);
      expect(text).toContain('swagger-ui');
      expect((await app.request('GET', '/docs/swagger-ui-bundle.js')).status).toBe(200);
    });

    it('is where the address of the API leads', async () => {
      for (const method of ['GET', 'HEAD'] as const) {
        expect(await app.request(method, '/')).toMatchObject({
          status: 302,
          headers: { location: '/docs' },
        });
      }
    });

    it('has an example of a new user that works at each visit, and stays the same for tools', async () => {
      const shown = async (path: string): Promise<string> => {
        const { text } = await app.request('GET', path);
        return /ada[-\w]*@example\.com/.exec(text)?.[0] ?? '';
      };
      const emails = [
        await shown('/docs/swagger-ui-init.js'),
        await shown('/docs/swagger-ui-init.js'),
      ];
      expect(new Set(emails).size).toBe(2);
      for (const email of emails) {
        expect(await app.request('POST', '/users', { ...ADA, email })).toMatchObject({
          status: 201,
        });
      }
      expect(await shown('/docs-json')).toBe(await shown('/docs-json'));
    });

    it('says of each cached operation what the cache may have done', async () => {
      const { json } = await app.request('GET', '/docs-json');
      const { paths } = json as { paths: Record<string, { get?: Operation }> };
      const cached = Object.entries(paths).filter(([, { get }]) => get?.responses['200']?.headers);
      const marked = cached.filter(([, { get }]) => get?.responses['200']?.headers?.['X-Cache']);
      expect(marked.map(([path]) => path)).toEqual(['/users/{id}', '/users/{id}/profile']);
      for (const [path, { get }] of marked) {
        const { status, headers } = await app.request('GET', path.replace('{id}', '1'));
        expect([status, headers]).toEqual([404, expect.objectContaining({ 'x-cache': 'BYPASS' })]);
        expect(get?.responses['200']?.headers?.['X-Cache']?.schema.enum).toEqual(
          expect.arrayContaining(['HIT', 'MISS', 'STALE', 'BYPASS']),
        );
      }
    });

    it('describes every operation, and refers to nothing that is missing', async () => {
      const { json, text } = await app.request('GET', '/docs-json');

      const { paths, components } = json as {
        paths: Record<string, object>;
        components: { schemas: Record<string, unknown> };
      };
      const operations = Object.entries(paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method} ${path}`),
      );
      expect(operations.sort()).toEqual([
        'delete /users/{id}',
        'get /health',
        'get /health/live',
        'get /health/ready',
        'get /metrics',
        'get /operations/cache',
        'get /users',
        'get /users/{id}',
        'get /users/{id}/profile',
        'patch /users/{id}',
        'post /users',
      ]);
      const references = [...text.matchAll(/"#\/components\/schemas\/(\w+)"/g)];
      expect(references.length).toBeGreaterThan(10);
      for (const [, name = ''] of references) expect(components.schemas).toHaveProperty(name);
    });
  });

  describe('request ids', () => {
    it('gives every response one, whatever its status', async () => {
      const answers = [
        await app.request('POST', '/users', {}),
        await app.request('GET', '/users/1'),
        await app.request('GET', '/nowhere'),
        await app.request('GET', '/users/%zz'),
        await app.request('GET', '/health'),
      ];

      const ids = answers.map(({ headers }) => headers['x-request-id']);
      expect(ids).toEqual(ids.map(() => expect.stringMatching(UUID)));
      expect(new Set(ids).size).toBe(ids.length);
    });

    it("keeps the caller's", async () => {
      const { headers } = await app.request('GET', '/users/1', undefined, {
        'x-request-id': 'trace-42',
      });

      expect(headers['x-request-id']).toBe('trace-42');
    });
  });

  describe('logs', () => {
    it('says in few lines what has started', () => {
      const contexts = log.lines().map(({ context }) => context);
      const start = contexts.slice(0, contexts.indexOf('UsersApi') + 1);

      expect(start).toEqual(['RedisServer', 'Redis', 'UsersStore', 'UsersApi']);
    });

    it('says which Redis is used, in one line', () => {
      const lines = log.lines().filter(({ context }) => context === 'RedisServer');

      expect(lines).toEqual([
        expect.objectContaining({
          msg: expect.stringMatching(new RegExp(`^Redis: .*127\\.0\\.0\\.1:${server.port}`)),
        }),
      ]);
    });

    it('writes one JSON line per request, without bodies and credentials', async () => {
      await app.request(
        'POST',
        '/users',
        { firstName: 'Ada', lastName: 'Lovelace', email: 'ada@secret.example' },
        {
          'x-request-id': 'create-1',
          authorization: 'Bearer hunter2',
          cookie: 'session=hunter2',
          'x-api-key': 'hunter2',
        },
      );

      await eventually(() => {
        expect(linesOf('create-1')).toEqual([
          expect.objectContaining({
            level: 30,
            msg: 'request completed',
            req: expect.objectContaining({ method: 'POST', url: '/users' }),
            res: expect.objectContaining({ statusCode: 201 }),
            responseTime: expect.any(Number),
          }),
        ]);
      });
      expect(JSON.stringify(log.lines())).not.toMatch(/hunter2|secret/);
    });

    it('is silent about probes that succeed', async () => {
      for (const path of ['/health', '/health/live', '/health/ready?from=lb', '/metrics?name=x']) {
        await app.request('GET', path, undefined, { 'x-request-id': 'probe' });
      }
      await app.request('GET', '/users/1', undefined, { 'x-request-id': 'after-probe' });

      await eventually(() => {
        expect(linesOf('after-probe')).toHaveLength(1);
      });
      expect(linesOf('probe')).toEqual([]);
    });

    it('warns in one line, with the reason, when a probe fails', async () => {
      const probe = (id: string) =>
        app.request('GET', '/health/ready', undefined, { 'x-request-id': id });
      await server.kill();
      await eventually(async () => {
        expect((await probe('failing-early')).status).toBe(503);
      });

      await probe('failing-probe');
      await app.request('GET', '/health', undefined, { 'x-request-id': 'failing-report' });

      const warning = {
        level: 40,
        context: 'Health',
        msg: expect.stringMatching(/not connected \(\w+, [A-Z_]+\)/),
      };
      for (const id of ['failing-probe', 'failing-report']) {
        expect(linesOf(id)).toEqual([expect.objectContaining(warning)]);
      }
      await server.restart();
      await eventually(async () => {
        expect((await probe('well-again')).status).toBe(200);
      });
      expect(linesOf('well-again').filter(({ level }) => Number(level) > 40)).toEqual([]);
    });

    it('logs what failed with its stack, and the request as failed', async () => {
      await server.kill();

      await app.request('GET', '/users/1', undefined, { 'x-request-id': 'doomed' });

      await eventually(() => {
        expect(linesOf('doomed')).toEqual([
          expect.objectContaining({ level: 40, msg: 'A cache operation failed in Redis' }), // goes on without
          expect.objectContaining({
            level: 50,
            msg: 'A Redis command failed',
            operation: 'mget',
            key: expect.stringMatching(/^user:.*:\*$/),
            code: expect.stringMatching(/^REDIS_/),
            stack: expect.any(String),
          }),
          expect.objectContaining({ level: 40, msg: 'A loader failed' }), // no response stands in
          expect.objectContaining({
            level: 50,
            res: expect.objectContaining({ statusCode: 503 }),
          }),
        ]);
      });
      expect(linesOf('doomed')[3]).not.toHaveProperty('err');
      await server.restart();
    });
  });
});
