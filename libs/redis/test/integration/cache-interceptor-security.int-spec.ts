import {
  ClassSerializerInterceptor,
  Controller,
  ForbiddenException,
  Get,
  Injectable,
  Param,
  Req,
  UseGuards,
  UseInterceptors,
  Version,
  VersioningType,
  type CallHandler,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type VersioningOptions,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Exclude } from 'class-transformer';
import type { Redis } from 'ioredis';
import {
  CacheKey,
  CacheScope,
  CacheTTL,
  getRedisToken,
  RedisCacheInterceptor,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { map, tap, type Observable } from 'rxjs';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';

interface Request {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly host: string;
  user?: { readonly id: string };
}

let calls = 0;
beforeEach(() => {
  calls = 0;
});

/** A guard of an API with keys, which uses neither `Authorization` nor `Cookie`. */
@Injectable()
class ApiKeyGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<Request>();
    const id = request.headers['x-api-key'];
    if (id === 'locked-out') return false;
    if (id !== undefined) request.user = { id };
    return true;
  }
}

class Account {
  readonly name: string;

  @Exclude()
  readonly password = 'hunter2';

  constructor(name: string) {
    this.name = name;
  }
}

@Injectable()
class Envelope implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}

let passed: string[] = [];

const passing = (name: string) => {
  class Passing implements NestInterceptor {
    intercept(_: ExecutionContext, next: CallHandler): Observable<unknown> {
      return next.handle().pipe(tap(() => passed.push(name)));
    }
  }
  return Passing;
};

/** An interceptor around that decides after the handler. */
@Injectable()
class Censor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const { headers } = context.switchToHttp().getRequest<Request>();
    const refuse = () => {
      if (headers['x-censored']) throw new ForbiddenException();
    };
    return next.handle().pipe(tap(refuse));
  }
}

@Controller('me')
@UseGuards(ApiKeyGuard)
@UseInterceptors(RedisCacheInterceptor)
class MeController {
  @Get('unscoped')
  unscoped(@Req() { headers, user }: Request): object {
    return {
      who: user?.id ?? headers['authorization'] ?? headers['cookie'] ?? 'nobody',
      calls: ++calls,
    };
  }

  @Get('shared')
  @CacheScope('shared')
  shared(): object {
    return { calls: ++calls };
  }

  @Get('mine')
  @CacheScope(({ user }: Request) => user?.id)
  mine(@Req() { user }: Request): object {
    return { who: user?.id, calls: ++calls };
  }

  @Get('async')
  @CacheScope((async ({ user }: Request) => user?.id) as never)
  async(): object {
    return { calls: ++calls };
  }

  @Get('keyed')
  @CacheKey('mine')
  @CacheScope(({ user }: Request) => user?.id)
  keyed(@Req() { user }: Request): object {
    return { who: user?.id, calls: ++calls };
  }

  @Get('keyed-by-id/:id')
  @CacheKey((context) => [
    'by-id',
    context.switchToHttp().getRequest<{ params: { id: string } }>().params.id,
  ])
  keyedById(@Param('id') id: string): object {
    return { id, calls: ++calls };
  }

  @Get('link')
  link(@Req() { host }: Request): object {
    return { next: `http://${host}/me/link?page=2`, calls: ++calls };
  }

  @Get('id/:id')
  id(@Param('id') id: string): object {
    return { id, calls: ++calls };
  }
}

@Controller('inside')
@UseInterceptors(RedisCacheInterceptor, ClassSerializerInterceptor)
class SerializingInside {
  @Get()
  get(): Account {
    calls++;
    return new Account('Ada');
  }
}

@Controller('outside')
@UseInterceptors(Envelope, Censor, ClassSerializerInterceptor, RedisCacheInterceptor)
class SerializingOutside {
  @Get()
  get(): Account {
    calls++;
    return new Account('Ada');
  }
}

@Controller('around')
@UseInterceptors(passing('around'), RedisCacheInterceptor, passing('inside'))
class AroundController {
  @Get()
  get(): object {
    return { call: ++calls };
  }
}

const versioned = (version: string) => {
  @Controller('versioned')
  @UseInterceptors(RedisCacheInterceptor)
  class VersionedController {
    @Version(version)
    @Get()
    get(): object {
      return { version };
    }
  }
  return VersionedController;
};

abstract class Base {
  @Get('inherited')
  @CacheTTL('1m')
  get(): object {
    return { of: this.constructor.name };
  }
}

@Controller('a')
@UseInterceptors(RedisCacheInterceptor)
class ControllerA extends Base {}

@Controller('b')
@UseInterceptors(RedisCacheInterceptor)
class ControllerB extends Base {}

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe.each<Adapter>(['fastify', 'express'])('RedisCacheInterceptor on %s', (adapter) => {
  let app: HttpApp;
  const get = (path: string, headers?: Record<string, string>) => app.request(path, headers);
  const caches = async (path: string, ...headers: Record<string, string>[]) => {
    const found = [];
    for (const each of headers) found.push((await get(path, each)).cache);
    return found;
  };

  beforeAll(async () => {
    app = await serve({
      adapter,
      controllers: [
        MeController,
        SerializingInside,
        SerializingOutside,
        AroundController,
        versioned('1'),
        versioned('2'),
        ControllerA,
        ControllerB,
      ],
      redis: { url: server.url, app: `sec-${adapter}` },
      providers: [Reflector],
      prepare: (nest: INestApplication) =>
        nest.enableVersioning({ type: VersioningType.HEADER, header: 'x-version' }),
    });
  });
  afterAll(() => app.close());

  describe('with credentials', () => {
    it.each([
      ['Authorization', { authorization: 'Bearer a' }],
      ['Cookie', { cookie: 'session=a' }],
      ['a user that a guard has found', { 'x-api-key': 'a' }],
    ])('neither fills nor reads the cache: %s', async (_, headers) => {
      const path = `/me/unscoped?${Object.keys(headers).join()}`;
      expect(await caches(path, headers, headers, {}, headers, {})).toEqual([
        'BYPASS',
        'BYPASS',
        'MISS',
        'BYPASS',
        'HIT',
      ]);
      expect(JSON.parse((await get(path)).text)).toEqual({ who: 'nobody', calls: 3 });
    });

    it('shares responses that are declared as shared', async () => {
      expect(await caches('/me/shared', { authorization: 'a' }, { cookie: 'b' }, {})).toEqual([
        'MISS',
        'HIT',
        'HIT',
      ]);
    });

    it.each(['/me/mine', '/me/keyed'])(
      'never serves the response of another user: %s',
      async (path) => {
        const [a, b] = [{ 'x-api-key': 'a' }, { 'x-api-key': 'b' }];
        expect(await caches(path, a, b, a, b)).toEqual(['MISS', 'MISS', 'HIT', 'HIT']);
        for (const id of ['a', 'b']) {
          expect(JSON.parse((await get(path, { 'x-api-key': id })).text)).toMatchObject({
            who: id,
          });
        }
        expect(await caches(path, {}, {})).toEqual(['BYPASS', 'BYPASS']);
      },
    );

    it.each(['', ' ', 'a:b', '@a', '%40a', 'x'.repeat(500)])(
      'has separate entries for users with hostile names: %j',
      async (id) => {
        const mine = await get('/me/mine', { 'x-api-key': id });
        expect(JSON.parse(mine.text)).toMatchObject({ who: id.trim() });
        expect(mine.cache).toBe(id.trim() === '' ? 'BYPASS' : 'MISS');
      },
    );

    it('refuses a promise as the name of a user', async () => {
      expect((await get('/me/async', { 'x-api-key': 'a' })).status).toBe(500);
      expect(calls).toBe(0);
    });

    it('calls the guards on every request', async () => {
      await get('/me/shared');
      expect((await get('/me/shared', { 'x-api-key': 'locked-out' })).status).toBe(403);
    });
  });

  it.each(['inside', 'outside'])('hides what the serializer hides: %s', async (where) => {
    const [a, b] = [await get(`/${where}`), await get(`/${where}`)];
    expect([a.cache, b.cache, calls]).toEqual(['MISS', 'HIT', 1]);
    expect(b.text).toBe(a.text);
    const account = { name: 'Ada' };
    expect(JSON.parse(b.text)).toEqual(where === 'inside' ? account : { data: account });
    const redis = app.nest.get<Redis>(getRedisToken(), { strict: false });
    for (const key of await redis.keys('cache:*')) {
      expect(await redis.get(key)).not.toContain('hunter2');
    }
  });

  it('runs the interceptors around on a hit, and those inside on a miss', async () => {
    passed = [];
    await get('/around');
    await get('/around');
    expect(passed).toEqual(['inside', 'around', 'around']);
  });

  it('lets an interceptor around refuse a hit', async () => {
    await get('/outside');
    expect((await get('/outside', { 'x-censored': 'yes' })).status).toBe(403);
    expect((await get('/outside')).cache).toBe('HIT');
  });

  it('does not let a client put its Host header into the responses of others', async () => {
    expect(JSON.parse((await get('/me/link', { host: 'evil.example' })).text)).toMatchObject({
      next: 'http://evil.example/me/link?page=2',
    });
    const honest = await get('/me/link', { host: 'good.example' });
    expect(honest.cache).toBe('MISS');
    expect(honest.text).toContain('good.example');
    const forwarded = { host: 'good.example', 'x-forwarded-host': 'evil.example' };
    const second = await get('/me/link', forwarded);
    expect(second.text).toContain('good.example');
  });

  it('has an entry for each path and id', async () => {
    const ids = [
      'a',
      'A',
      'a%3Ab',
      'a%2Fb',
      '%2A',
      '__proto__',
      'a?b',
      'x'.repeat(90),
      `${'x'.repeat(90)}y`,
    ];
    for (const id of ids) {
      expect((await get(`/me/id/${id}`)).cache).toBe('MISS');
    }
    expect(calls).toBe(ids.length);
    for (const base of ['/me/keyed-by-id/']) {
      expect(JSON.parse((await get(`${base}a%3Ab`)).text)).toMatchObject({ id: 'a:b' });
      expect(JSON.parse((await get(`${base}a`)).text)).toMatchObject({ id: 'a' });
    }
  });

  it('has separate entries for the versions of a route', async () => {
    for (const version of ['1', '2', '1', '2']) {
      const { text } = await get('/versioned', { 'x-version': version });
      expect(JSON.parse(text)).toEqual({ version });
    }
  });

  it('has separate entries for controllers that inherit a handler', async () => {
    for (const [path, of] of [
      ['/a/inherited', 'ControllerA'],
      ['/b/inherited', 'ControllerB'],
      ['/a/inherited', 'ControllerA'],
    ] as const) {
      expect(JSON.parse((await get(path)).text)).toEqual({ of });
    }
  });
});

describe.each<Adapter>(['fastify', 'express'])('A handler with two versions on %s', (adapter) => {
  /** As a handler finds out which version it is. */
  const versionOf = ({ url, headers }: AskedRequest) =>
    /v([12])\b/.exec(url)?.[1] ??
    headers['x-version'] ??
    /v=([12])/.exec(headers['accept'] ?? '')?.[1];

  @Controller('two')
  @UseInterceptors(RedisCacheInterceptor)
  class TwoController {
    @Get()
    @Version(['1', '2'])
    get(@Req() request: AskedRequest): object {
      return { of: versionOf(request), call: ++calls };
    }

    @Get('keyed')
    @Version(['1', '2'])
    @CacheKey(['keyed', 'two'])
    keyed(@Req() request: AskedRequest): object {
      return { of: versionOf(request), call: ++calls };
    }

    @Get('default')
    byDefault(@Req() request: AskedRequest): object {
      return { of: versionOf(request), call: ++calls };
    }
  }

  const inUrl = (version: string) => ({ base: `/v${version}`, headers: {} });
  const inHeader = (version: string) => ({ base: '', headers: { 'x-version': version } });
  const inAccept = (version: string) => ({
    base: '',
    headers: { accept: `application/json;v=${version}` },
  });
  const extractor = (request: unknown) =>
    [(request as AskedRequest).headers['x-version']].flatMap((version) => version ?? []);
  const defaultVersion = ['1', '2'];

  it.each<[string, VersioningOptions, typeof inUrl | typeof inHeader | typeof inAccept]>([
    ['URI', { type: VersioningType.URI, defaultVersion }, inUrl],
    ['header', { type: VersioningType.HEADER, header: 'X-Version', defaultVersion }, inHeader],
    ['media type', { type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion }, inAccept],
    ['custom', { type: VersioningType.CUSTOM, extractor, defaultVersion }, inHeader],
  ])('has an entry for each version by %s', async (name, versioning, ask) => {
    const app = await serve({
      adapter,
      controllers: [TwoController],
      redis: { url: server.url, app: `two-${adapter}-${name.replace(' ', '-')}` },
      prepare: (nest) => nest.enableVersioning(versioning),
    });
    for (const path of ['/two', '/two/keyed', '/two/default']) {
      const seen = [];
      for (const version of ['1', '2', '1', '2']) {
        const { base, headers } = ask(version);
        const { text, cache } = await app.request(base + path, headers);
        seen.push([(JSON.parse(text) as { of: string }).of, cache]);
      }
      expect([path, ...seen]).toEqual([
        path,
        ['1', 'MISS'],
        ['2', 'MISS'],
        ['1', 'HIT'],
        ['2', 'HIT'],
      ]);
    }
    await app.close();
  });
});

interface AskedRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
}

describe('RedisCacheInterceptor as a global one around a global serializer', () => {
  it('hides what the serializer hides, and wraps the response once', async () => {
    @Controller('account')
    class AccountController {
      @Get()
      @CacheTTL('1m')
      get(): Account {
        return new Account('Ada');
      }
    }
    const app = await serve({
      adapter: 'fastify',
      controllers: [AccountController],
      redis: { url: server.url, app: 'sec-global' },
      providers: [
        { provide: APP_INTERCEPTOR, useClass: Envelope },
        { provide: APP_INTERCEPTOR, useClass: RedisCacheInterceptor },
        { provide: APP_INTERCEPTOR, useClass: ClassSerializerInterceptor },
      ],
    });
    const answers = [await app.request('/account'), await app.request('/account')];
    await app.close();
    expect(answers.map(({ text, cache }) => [text, cache])).toEqual([
      ['{"data":{"name":"Ada"}}', 'MISS'],
      ['{"data":{"name":"Ada"}}', 'HIT'],
    ]);
  });
});
