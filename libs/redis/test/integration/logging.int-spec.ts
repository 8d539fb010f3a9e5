/** What reaches a log, through nestjs-pino at level trace, on real servers and under every failure. */
import 'reflect-metadata';
import type { IncomingHttpHeaders } from 'node:http';
import { Writable } from 'node:stream';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { IsEmail } from 'class-validator';
import type { Redis } from 'ioredis';
import { Logger, LoggerModule } from 'nestjs-pino';
import {
  EntityId,
  getRedisBatchToken,
  getRedisPoolToken,
  getRedisRepositoryToken,
  getRedisToken,
  Indexed,
  RedisCache,
  RedisEntity,
  RedisExceptionFilter,
  RedisModule,
  type RedisBatch,
  type RedisModuleOptions,
  type RedisPool,
  type RedisRepository,
} from 'nestjs-redis-data';
import { startFaultProxy, startRedis } from 'nestjs-redis-data/testing';
import { waitUntil } from '../../src/testing/wait-until.js';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** Whatever holds this must not be in the log. */
const PLANTED = 'planted';
const PASSWORD = `${PLANTED}-password`;
const ACL_USER = `${PLANTED}-user`;
const VALUE = `${PLANTED}-value`;
const ID = `${PLANTED}-id`;
const KEY = `note:app:test:${ID}`;

@RedisEntity({ kind: 'note', ttl: '1h' })
class Note {
  @EntityId() id!: string;
  @IsEmail() @Indexed({ unique: true }) email!: string;
}

@Controller()
class KeyController {
  constructor(@Inject(getRedisToken()) private readonly redis: Redis) {}

  @Get('fine')
  async fine() {
    await this.redis.get(KEY);
    return 'fine';
  }

  @Get('wrong')
  async wrong() {
    await this.redis.lpush(KEY, VALUE);
  }
}

interface Line {
  readonly level: number;
  readonly msg: string;
  readonly context: string;
  readonly operation?: string;
  readonly success?: boolean;
  readonly key?: string;
  readonly connection?: string;
  readonly duration_ms?: number;
  readonly error?: string;
  readonly code?: string;
  readonly reply?: string;
  readonly stack?: string;
  readonly held_back?: number;
  readonly req?: { readonly id: string };
}

/** Nest's logger and nestjs-pino's are the same for all applications of a process, so this is, too. */
const log = { text: '' };
const stream = new Writable({
  write(chunk, _, done) {
    log.text += String(chunk);
    done();
  },
});
beforeEach(() => {
  log.text = '';
});
const lines = () =>
  log.text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Line);
const linesAbout = (operation: string) => lines().filter((line) => line.operation === operation);

async function boot(redis: RedisModuleOptions) {
  @Module({
    imports: [
      LoggerModule.forRoot({
        forRoutes: ['*splat'],
        pinoHttp: [{ level: 'trace' }, stream],
      }),
      RedisModule.forRoot({ app: 'app', environment: 'test', commandTimeout: '2s', ...redis }),
      RedisModule.forFeature([Note]),
    ],
    controllers: [KeyController],
    providers: [{ provide: APP_FILTER, useClass: RedisExceptionFilter }],
  })
  class AppModule {}
  const genReqId = ({ headers }: { headers: IncomingHttpHeaders }) => String(headers['x-id']);
  const app = await NestFactory.create(AppModule, new FastifyAdapter({ genReqId }), {
    bufferLogs: true,
    abortOnError: false,
  });
  app.useLogger(app.get(Logger));
  await app.listen(0, '127.0.0.1');
  cleanups.push(() => app.close());
  return {
    app,
    request: async (path: string, id: string) =>
      fetch(`${await app.getUrl()}${path}`, { headers: { 'x-id': id } }),
    client: app.get<Redis>(getRedisToken()),
    notes: app.get<RedisRepository<Note>>(getRedisRepositoryToken(Note)),
    batch: app.get<RedisBatch>(getRedisBatchToken()),
    cache: app.get(RedisCache),
    pool: app.get<RedisPool>(getRedisPoolToken()),
  };
}

async function startServer(options: Parameters<typeof startRedis>[0] = {}) {
  const server = await startRedis(options);
  cleanups.push(() => server.stop());
  return server;
}

const quietly = (work: Promise<unknown>) => work.catch(() => undefined);

it('writes the same fields in each line, with the request of the caller', async () => {
  const { url } = await startServer();
  const { request } = await boot({
    url,
    startup: 'require',
    logging: { successes: true },
  });
  await Promise.all([request('/fine', 'one'), request('/fine', 'two')]);
  await request('/wrong', 'three');

  const successes = linesAbout('get');
  expect(successes.map(({ req }) => req?.id).sort()).toEqual(['one', 'two']);
  expect(successes[0]).toMatchObject({
    level: 20,
    msg: 'Redis command',
    context: 'Redis',
    connection: 'default',
    key: 'note:app:test:*',
    success: true,
    duration_ms: expect.any(Number),
  });
});

it('writes a failure as an error, with the request of the caller', async () => {
  const { url } = await startServer();
  const { request, client } = await boot({ url, startup: 'require' });
  await client.set(KEY, VALUE);
  expect((await request('/wrong', 'seven')).status).toBe(500);
  expect(linesAbout('lpush')).toEqual([
    expect.objectContaining({
      level: 50,
      msg: 'A Redis command failed',
      key: 'note:app:test:*',
      success: false,
      code: 'REDIS_COMMAND',
      error: expect.stringContaining('WRONGTYPE'),
      reply: expect.stringContaining('wrong kind of value'),
      stack: expect.stringContaining('at '),
      req: expect.objectContaining({ id: 'seven' }),
    }),
  ]);
});

it('writes one line for a lost and one for a restored connection, and counts the lines that it drops', async () => {
  const proxy = await startFaultProxy(await startServer());
  cleanups.push(() => proxy.stop());
  const { host, port } = proxy;
  const { client, app } = await boot({
    host,
    port,
    startup: 'require',
    commandTimeout: '200ms',
  });
  await proxy.cut();
  for (let i = 0; i < 20; i++) await quietly(client.get(KEY));
  await proxy.heal();
  await waitUntil('Redis answers again', async () => Boolean(await client.ping()));
  await app.close();
  const messages = lines().map(({ msg }) => msg);
  expect(messages.filter((msg) => msg.startsWith('Redis connection'))).toEqual([
    'Redis connection ready',
    'Redis connection down; reconnecting in the background',
    'Redis connection restored',
  ]);
  const failures = linesAbout('get');
  const heldBack = failures.reduce((sum, { held_back = 0 }) => sum + held_back, 0);
  expect(failures.length).toBeLessThan(20);
  expect(failures.length + heldBack).toBe(20);
});

describeWithRealRedis('The log at level trace', () => {
  it('contains no password, value, id or name of an ACL user, for any failure', async () => {
    const server = await startServer({ args: ['--maxmemory', '3mb'], password: PASSWORD });
    const proxy = await startFaultProxy(server);
    cleanups.push(() => proxy.stop());
    const { host, port } = proxy;
    const { client, notes, batch, cache, pool, request } = await boot({
      host,
      port,
      password: PASSWORD,
      startup: 'require',
      maxConnections: 1,
      acquireTimeout: '500ms',
      commandTimeout: '500ms',
      logging: { successes: true },
      cache: { timeout: '100ms' },
    });
    const note = { id: ID, email: `${PLANTED}@example.com` };

    // What succeeds
    await notes.save(note);
    await notes.getById(ID);
    await notes.findBy({ email: note.email });
    await batch.setAll({ [KEY]: VALUE });
    await cache.getOrLoad(ID, () => Promise.resolve(VALUE), { tags: [ID] });
    await cache.getOrLoad(ID, () => Promise.resolve(VALUE));
    await cache.invalidateTags(ID);
    await client.set(KEY, VALUE);

    // What a caller does wrong
    await request('/wrong', 'x');
    await quietly(client.call(VALUE, PASSWORD));
    await quietly(client.call('AUTH', ACL_USER, PASSWORD));
    await quietly(client.call('ACL', 'SETUSER', ACL_USER, VALUE));
    await quietly(client.config('SET', 'requirepass', PASSWORD, 'nonsense'));
    await quietly(client.eval(`return redis.call('incr', KEYS[1])`, 1, KEY));
    await quietly(client.eval(VALUE, 1, KEY));
    await quietly(client.multi().set(KEY, VALUE).lpush(KEY, VALUE).exec());
    await quietly(notes.save({ id: '2', email: VALUE }));
    await quietly(notes.save({ ...note, id: `${ID}-2` }));
    await quietly(notes.getByIdOrFail(ID));
    await quietly(batch.incrementAll([KEY]));
    await client.set(`cache:app:test:${ID}`, VALUE);
    await quietly(cache.getOrLoad(ID, () => Promise.reject(new Error('the database is away'))));
    await client.set(KEY, VALUE);
    await quietly(notes.getById(ID));
    const lent = await pool.acquire();
    await quietly(pool.acquire());
    lent.release();

    // What Redis forbids
    const rules = ['on', `>${PASSWORD}`, '~*', '+@all', '-get', '-lpush'];
    await client.acl('SETUSER', ACL_USER, ...rules);
    const limited = await boot({
      host,
      port,
      username: ACL_USER,
      password: PASSWORD,
      startup: 'require',
      logging: { successes: true },
    });
    await limited.request('/wrong', 'x');
    await quietly(limited.client.get(KEY));
    await client.acl(
      'SETUSER',
      ACL_USER,
      '-info',
      '-hello',
      '-client',
      '-ping',
      '-mget',
      '-evalsha',
      '-eval',
    );
    await quietly(limited.notes.getById(ID));
    await quietly(limited.cache.getOrLoad(ID, () => Promise.resolve(VALUE)));
    await client.client('KILL', 'USER', ACL_USER);
    await quietly(limited.client.get(KEY));
    await client.acl('SETUSER', ACL_USER, 'resetpass');
    await client.client('KILL', 'USER', ACL_USER);
    await quietly(limited.client.get(KEY));
    const stranger = await boot({
      host,
      port,
      password: `${PLANTED}-wrong`,
      startup: 'background',
    });
    await quietly(stranger.client.get(KEY));

    // What happens to Redis
    await quietly(client.set(KEY, VALUE.repeat(250_000)));
    await quietly(client.set(`${KEY}:2`, VALUE));
    await quietly(client.del(KEY));
    await quietly(client.call('REPLICAOF', '127.0.0.1', '1'));
    await quietly(notes.save(note));
    await quietly(client.call('REPLICAOF', 'NO', 'ONE'));
    proxy.stall();
    await request('/fine', 'x');
    await quietly(notes.getById(ID));
    await quietly(cache.getOrLoad(ID, () => Promise.resolve(VALUE)));
    await quietly(cache.invalidateTags(ID));
    await quietly(batch.getAll([KEY]));
    await proxy.cut();
    await request('/fine', 'x');
    await quietly(cache.getOrLoad(ID, () => Promise.resolve(VALUE)));

    for (const cleanup of cleanups.splice(0).reverse()) await cleanup(); // writes what is held back
    // Nothing is hidden because nothing is written.
    const codes = new Set(lines().map(({ code }) => code));
    for (const code of EXPECTED_CODES) expect([...codes]).toContain(code);
    expect(log.text).toContain('READONLY');
    expect(log.text.split('\n').filter((line) => line.includes(PLANTED))).toEqual([]);
  });
});

const EXPECTED_CODES = [
  'REDIS_AUTHENTICATION',
  'REDIS_COMMAND',
  'REDIS_CONNECTION',
  'REDIS_OUT_OF_MEMORY',
  'REDIS_PERMISSION',
  'REDIS_TIMEOUT',
  'REDIS_UNAVAILABLE',
];
