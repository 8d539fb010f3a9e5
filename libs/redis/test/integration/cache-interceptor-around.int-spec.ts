import {
  ClassSerializerInterceptor,
  Controller,
  Get,
  Param,
  StreamableFile,
  UseInterceptors,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
  type Provider,
  type Type,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Exclude } from 'class-transformer';
import type { Redis } from 'ioredis';
import {
  CacheTTL,
  getRedisCacheToken,
  getRedisToken,
  RedisCacheInterceptor,
  type RedisCache,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { defaultIfEmpty, EMPTY, map, of, tap, toArray, type Observable } from 'rxjs';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';

/** An interceptor that does this to what its handler answers. */
function through(
  work: (answer: Observable<unknown>, context: ExecutionContext) => Observable<unknown>,
): Type<NestInterceptor> {
  class Through implements NestInterceptor {
    intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
      return work(next.handle(), context);
    }
  }
  return Through;
}

interface List {
  readonly items: { readonly name: string; readonly at: Date }[];
}

let seen: unknown[] = [];
afterEach(() => {
  seen = [];
});

const Count = through(map((list: List) => ({ count: list.items.length, ...list })) as never);
const See = through((answer) => answer.pipe(tap((value) => seen.push(structuredClone(value)))));
const Envelope = through((answer) => answer.pipe(map((data) => ({ data }))));
const NewestFirst = through((answer) =>
  answer.pipe(
    tap((value) => (value as List).items.sort((a, b) => b.at.getTime() - a.at.getTime())),
    tap((value) => Object.assign(value as object, { sorted: true })),
  ),
);
const Total = through((answer, context) =>
  answer.pipe(
    tap((value) => {
      const response = context.switchToHttp().getResponse<{ header(k: string, v: string): void }>();
      response.header('x-total', String((value as List).items.length));
    }),
  ),
);

const VALUES: Record<string, () => unknown> = {
  list: () => ({
    items: [
      { name: 'a', at: new Date('2020-01-02T03:04:05.678Z') },
      { name: 'b', at: new Date('2021-01-02T03:04:05.678Z') },
    ],
  }),
  empty: () => ({ items: [] }),
  array: () => [1, [new Date(0)], null, { at: '2020-01-01T00:00:00.000Z' }],
  mixed: () => [{ at: new Date(0) }, { at: 'never' }, { at: null }, {}],
  date: () => new Date(0),
  text: () => 'a text, "quoted"',
  'json-like text': () => '{"a":1}',
  number: () => 5,
  yes: () => true,
  null: () => null,
  nothing: () => undefined,
  'odd letters': () => ({ '': '😀\n\u2028', 0: '"}', dates: [] }),
};

@Controller('route')
class RouteController {
  @Get('count')
  @UseInterceptors(See, Count, RedisCacheInterceptor)
  count(): unknown {
    return VALUES['list']?.();
  }

  @Get('value/:name')
  @UseInterceptors(Envelope, See, RedisCacheInterceptor)
  value(@Param('name') name: string): unknown {
    return VALUES[name]?.();
  }

  @Get('sorted')
  @UseInterceptors(NewestFirst, See, RedisCacheInterceptor)
  sorted(): unknown {
    return VALUES['list']?.();
  }

  @Get('total')
  @UseInterceptors(Total, RedisCacheInterceptor)
  total(): unknown {
    return VALUES['list']?.();
  }

  @Get('inside')
  @UseInterceptors(See, RedisCacheInterceptor, Count)
  inside(): unknown {
    return VALUES['empty']?.();
  }

  @Get('several')
  @UseInterceptors(through((answer) => answer.pipe(toArray())), RedisCacheInterceptor)
  several(): Observable<unknown> {
    return of(1, 2, 3);
  }

  @Get('none')
  @UseInterceptors(through((answer) => answer.pipe(defaultIfEmpty('none'))), RedisCacheInterceptor)
  none(): Observable<unknown> {
    return EMPTY;
  }

  @Get('keyed')
  @UseInterceptors(
    through(map((value: { names: Map<string, string> }) => [...value.names.keys()]) as never),
    RedisCacheInterceptor,
  )
  keyed(): unknown {
    return { names: new Map([['a', 1]]) };
  }

  @Get('file')
  @UseInterceptors(
    through(
      map((list: List) => new StreamableFile(Buffer.from(String(list.items.length)))) as never,
    ),
    RedisCacheInterceptor,
  )
  file(): unknown {
    return VALUES['list']?.();
  }

  @Get('bytes')
  @UseInterceptors(
    through(map((bytes: Buffer) => ({ size: bytes.length })) as never),
    RedisCacheInterceptor,
  )
  bytes(): unknown {
    return Buffer.from('abc');
  }

  @Get('status')
  @UseInterceptors(
    through((answer, context) =>
      answer.pipe(
        tap(() => context.switchToHttp().getResponse<{ status(code: number): void }>().status(202)),
      ),
    ),
    RedisCacheInterceptor,
  )
  status(): unknown {
    return VALUES['list']?.();
  }
}

class Account {
  readonly items = [];
  readonly name = 'Ada';
  @Exclude()
  readonly password = 'hunter2';
}

@Controller('account')
@UseInterceptors(Envelope, ClassSerializerInterceptor, See, RedisCacheInterceptor)
class AccountController {
  @Get()
  get(): Account {
    return new Account();
  }
}

@Controller('class')
@UseInterceptors(Count)
class ClassController {
  @Get()
  @UseInterceptors(RedisCacheInterceptor)
  get(): unknown {
    return VALUES['list']?.();
  }
}

@Controller('decorated')
class DecoratedController {
  @Get()
  @CacheTTL('1m')
  get(): unknown {
    return VALUES['list']?.();
  }
}

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

let apps = 0;
const open = (
  adapter: Adapter,
  controllers: Type[],
  providers: Provider[] = [],
  prepare: (nest: INestApplication) => unknown = () => undefined,
) =>
  serve({
    adapter,
    controllers,
    providers: [Reflector, ...providers],
    redis: { url: server.url, app: `around-${++apps}`, cache: { timeout: '5s' } },
    prepare,
  });

const COUNTED = { count: 2, ...(VALUES['list']?.() as object) };

describe.each<Adapter>(['fastify', 'express'])(
  'An interceptor around the cache on %s',
  (adapter) => {
    let app: HttpApp;
    beforeAll(async () => {
      app = await open(adapter, [RouteController, AccountController, ClassController]);
    });
    afterAll(() => app.close());

    /** Requests a miss, a hit and a HEAD, which must get the same answer. */
    const twice = async (path: string, from = app) => {
      const [miss, hit] = [await from.request(path), await from.request(path)];
      const head = await from.request(path, {}, 'HEAD');
      expect([miss.status, hit.status, head.status]).toEqual([200, 200, 200]);
      expect([miss.cache, hit.cache, head.cache]).toEqual(['MISS', 'HIT', 'HIT']);
      expect(hit.text).toBe(miss.text);
      return hit;
    };

    it.each(['/route/count', '/class'])('can read the response on a hit: %s', async (path) => {
      const { text } = await twice(path);
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(COUNTED)));
    });

    it.each(Object.entries(VALUES))(
      'sees on a hit what it saw on the miss: %s',
      async (name, make) => {
        const { text } = await twice(`/route/value/${encodeURIComponent(name)}`);
        expect(text).toBe(JSON.stringify({ data: make() }));
        expect(seen).toEqual([make(), make(), make()]);
      },
    );

    it('sees the value before other interceptors have changed it', async () => {
      const { text } = await twice('/route/sorted');
      expect(JSON.parse(text)).toMatchObject({
        items: [{ name: 'b' }, { name: 'a' }],
        sorted: true,
      });
      expect(seen).toEqual([1, 2, 3].map(() => VALUES['list']?.()));
    });

    it('sees the value that inner interceptors have made', async () => {
      await twice('/route/inside');
      expect(seen).toEqual([1, 2, 3].map(() => ({ count: 0, items: [] })));
    });

    it('sets headers depending on the value', async () => {
      expect((await twice('/route/total')).headers['x-total']).toBe('2');
    });

    it('sees the whole value also if it waited for the response to another request', async () => {
      const answers = await Promise.all(
        Array.from({ length: 8 }, () => app.request('/route/count?together')),
      );
      for (const { status, text } of answers) {
        expect([status, JSON.parse(text)]).toEqual([200, JSON.parse(JSON.stringify(COUNTED))]);
      }
      expect(seen).toEqual(answers.map(() => COUNTED));
    });

    it.each([
      ['several', '[1,2,3]'],
      ['none', 'none'],
      ['keyed', '["a"]'],
      ['file', '2'],
      ['bytes', '{"size":3}'],
    ])('does not cache a value that it could not see again: %s', async (path, text) => {
      for (let i = 0; i < 2; i++) {
        const answer = await app.request(`/route/${path}`);
        expect([answer.cache, answer.text]).toEqual(['BYPASS', text]);
      }
    });

    it('does not cache a response to which it gives another status', async () => {
      for (let i = 0; i < 2; i++) {
        const { status, cache } = await app.request('/route/status');
        expect([status, cache]).toEqual([202, 'BYPASS']);
      }
    });

    it('does not see properties that the class hides, which are not stored either', async () => {
      const { text } = await twice('/account');
      expect(JSON.parse(text)).toEqual({ data: { items: [], name: 'Ada' } });
      expect(seen).toEqual([
        { items: [], name: 'Ada', password: 'hunter2' },
        { items: [], name: 'Ada' },
        { items: [], name: 'Ada' },
      ]);
      const redis = app.nest.get<Redis>(getRedisToken(), { strict: false });
      for (const key of await redis.keys('cache:*')) {
        expect(await redis.get(key)).not.toContain('hunter2');
      }
    });

    const doNothing = (): void => undefined;
    const global = (type: Type): Provider => ({ provide: APP_INTERCEPTOR, useClass: type });
    it.each<[string, Type, Provider[], (nest: INestApplication) => unknown]>([
      ['global, the cache on the class', ClassController, [global(See)], doNothing],
      [
        'global, before the global cache',
        DecoratedController,
        [See, Count, RedisCacheInterceptor].map(global),
        doNothing,
      ],
      [
        'global, behind the global cache',
        DecoratedController,
        [RedisCacheInterceptor, See, Count].map(global),
        doNothing,
      ],
      [
        'given to useGlobalInterceptors',
        ClassController,
        [],
        (nest) => nest.useGlobalInterceptors(new See()),
      ],
    ])('may be %s', async (_, controller, providers, prepare) => {
      const other = await open(adapter, [controller], providers, prepare);
      const path = controller === ClassController ? '/class' : '/decorated';
      const { text } = await twice(path, other);
      await other.close();
      expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(COUNTED)));
      const [first, ...others] = seen;
      for (const value of others) expect(value).toEqual(first);
    });

    it('may be added later than entries, and around an interceptor that Nest has not made', async () => {
      const cache = { timeout: '5s' } as const;
      const redis = { url: server.url, app: `around-later-${adapter}`, cache };
      const controllers = [DecoratedController];
      const cached = (nest: INestApplication) =>
        new RedisCacheInterceptor(nest.get<RedisCache>(getRedisCacheToken(), { strict: false }));
      const before = await serve({
        adapter,
        controllers,
        redis,
        providers: [global(RedisCacheInterceptor)],
      });
      const miss = await before.request('/decorated', { host: 'a.example' });
      await before.close();
      const later = await serve({
        adapter,
        controllers,
        redis,
        prepare: (nest) => nest.useGlobalInterceptors(new See(), new Count(), cached(nest)),
      });
      const hit = await later.request('/decorated', { host: 'a.example' });
      await later.close();
      expect([miss.cache, hit.cache, hit.status]).toEqual(['MISS', 'HIT', 200]);
      expect(hit.text).toBe(miss.text);
      expect(seen).toMatchObject([{ count: 2, items: [{ name: 'a' }, { name: 'b' }] }]);
    });
  },
);
