import {
  Controller,
  Get,
  Header,
  HttpCode,
  NotFoundException,
  Param,
  Post,
  Query,
  Redirect,
  Req,
  Res,
  Sse,
  StreamableFile,
  UseInterceptors,
} from '@nestjs/common';
import { APP_INTERCEPTOR } from '@nestjs/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  CacheHeaders,
  CacheKey,
  CacheTags,
  CacheTTL,
  CacheVary,
  compressed,
  getRedisCacheToken,
  RedisCacheInterceptor,
  type RedisCache,
} from 'nestjs-redis-data';
import { msgpackSerializer } from 'nestjs-redis-data/msgpack';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { of } from 'rxjs';
import { Readable } from 'node:stream';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';

let calls = 0;
beforeEach(() => {
  calls = 0;
});

interface Sink {
  header(name: string, value: string): Sink;
  send(body: string): unknown;
}

function counted(response: Sink): object {
  response.header('X-Total-Count', String(++calls)).header('X-Other', String(calls));
  return { calls };
}

@Controller('posts')
@UseInterceptors(RedisCacheInterceptor)
class PostsController {
  @Get('text')
  text(): string {
    return `text ${++calls}`;
  }

  @Get('falsy')
  falsy(): boolean {
    calls++;
    return false;
  }

  @Get('nothing')
  nothing(): undefined {
    calls++;
    return undefined;
  }

  @Get('missing')
  missing(): never {
    throw new NotFoundException(`call ${++calls}`);
  }

  @Get('created')
  @HttpCode(201)
  created(): object {
    return { calls: ++calls };
  }

  @Get('stream')
  stream(): StreamableFile {
    return new StreamableFile(Readable.from([`stream ${++calls}`]));
  }

  @Get('bytes')
  bytes(): Buffer {
    return Buffer.from(`bytes ${++calls}`);
  }

  @Sse('events')
  events() {
    calls++;
    return of({ data: calls });
  }

  @Get('own')
  @CacheTTL('1m')
  own(@Res() response: Sink): void {
    response.send(`own ${++calls}`);
  }

  @Get('redirect')
  @Redirect('/posts/text')
  redirect(): void {
    calls++;
  }

  @Get('header/:name/:value')
  header(
    @Param('name') name: string,
    @Param('value') value: string,
    @Res({ passthrough: true }) response: Sink,
  ): object {
    response.header(name, decodeURIComponent(value));
    return { calls: ++calls };
  }

  @Get('language')
  @CacheVary('Accept-Language')
  language(@Req() request: { headers: Record<string, string> }): object {
    return { language: request.headers['accept-language'] ?? 'none', calls: ++calls };
  }

  @Get('own-etag')
  @Header('ETag', 'W/"mine"')
  ownEtag(): object {
    return { calls: ++calls };
  }

  @Get('typed')
  @Header('Content-Type', 'text/csv')
  @Header('Last-Modified', 'Wed, 21 Oct 2015 07:28:00 GMT')
  typed(): string {
    return `a,${++calls}`;
  }

  @Get('total')
  @CacheHeaders('X-Total-Count', 'x-static')
  @Header('x-static', 'always')
  total(@Res({ passthrough: true }) response: Sink): object {
    return counted(response);
  }

  @Get('keyed')
  @CacheKey('all-posts')
  keyed(@Query('q') q: string): object {
    return { q, calls: ++calls };
  }

  @Post('keyed')
  @CacheKey('all-posts')
  post(): object {
    return { posted: ++calls };
  }

  @Get('observable')
  observable() {
    calls++;
    return of({ first: 1 }, { last: calls });
  }

  @Get(':id')
  @CacheTTL('1m')
  @CacheTags('posts', ({ params }: { params: { id: string } }) => [`post-${params.id}`])
  find(@Param('id') id: string, @Query() query: object): object {
    return { id, query: { ...query }, calls: ++calls };
  }
}

@Controller('plain')
class PlainController {
  @Get()
  plain(): object {
    return { calls: ++calls };
  }

  @Get('total')
  @CacheHeaders('X-Total-Count', 'x-static')
  @Header('x-static', 'always')
  total(@Res({ passthrough: true }) response: Sink): object {
    return counted(response);
  }

  @Get('decorated')
  @CacheTTL('1m')
  decorated(): object {
    return { calls: ++calls };
  }
}

@Controller('reports')
@UseInterceptors(RedisCacheInterceptor.for('reports'))
class ReportsController {
  @Get('paged')
  @CacheHeaders('x-page')
  paged(@Res({ passthrough: true }) response: Sink): object {
    response.header('X-Page', '1').header('X-Pages', '7');
    return { calls: ++calls };
  }

  @Get()
  @CacheKey('report')
  report(): object {
    return { calls: ++calls };
  }
}

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe.each<Adapter>(['fastify', 'express'])('RedisCacheInterceptor on %s', (adapter) => {
  let app: HttpApp;
  let cache: RedisCache;
  const get = (path: string, headers?: Record<string, string>, method?: string) =>
    app.request(path, headers, method);

  beforeAll(async () => {
    app = await serve({
      adapter,
      controllers: [PostsController, PlainController, ReportsController],
      redis: { url: server.url, app: `http-${adapter}` },
      providers: [{ provide: APP_INTERCEPTOR, useClass: RedisCacheInterceptor }],
      caches: {
        reports: {
          responseHeaders: ['X-Pages'],
          serializer: compressed(msgpackSerializer, { above: 0 }),
        },
      },
    });
    cache = app.nest.get<RedisCache>(getRedisCacheToken(), { strict: false });
  });
  afterAll(() => app.close());

  it('answers the second request with the first response', async () => {
    const [a, b] = [await get('/posts/1'), await get('/posts/1')];
    expect([a.cache, b.cache]).toEqual(['MISS', 'HIT']);
    expect(calls).toBe(1);
    expect(b.text).toBe(a.text);
    expect(JSON.parse(a.text)).toEqual({ id: '1', query: {}, calls: 1 });
    for (const name of ['content-type', 'content-length', 'etag']) {
      expect(b.headers[name]).toBe(a.headers[name]);
    }
    expect(a.headers['age']).toBeUndefined();
    expect(Number(b.headers['age'])).toBeLessThan(60);
  });

  it('keeps responses as they were sent, with any serializer of the cache', async () => {
    const reports = app.nest.get<RedisCache>(getRedisCacheToken('reports'), { strict: false });
    await reports.delete('report');
    const [a, b] = [await get('/reports'), await get('/reports')];
    expect([a.cache, b.cache, b.text]).toEqual(['MISS', 'HIT', a.text]);
    await reports.set('value', new Date(5)); // in the same cache
    expect(await reports.get('value')).toEqual(new Date(5));
    expect(await reports.get('report')).toBeUndefined(); // a response is no value of it
    expect((await get('/reports')).cache).toBe('HIT');
    await reports.delete('report');
  });

  it('calls the handler once for fifty concurrent requests', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => get('/posts/many')));
    expect(calls).toBe(1);
    expect(new Set(answers.map(({ text }) => text)).size).toBe(1);
    expect(answers.every(({ status }) => status === 200)).toBe(true);
  });

  it.each([
    ['text', 'text 1'],
    ['falsy', 'false'],
    ['typed', 'a,1'],
    ['observable', '{"last":1}'],
  ])('caches %s', async (path, body) => {
    const [a, b] = [await get(`/posts/${path}`), await get(`/posts/${path}`)];
    expect([a.text, b.text, a.cache, b.cache]).toEqual([body, body, 'MISS', 'HIT']);
    expect(b.headers['content-type']).toBe(a.headers['content-type']);
    expect(b.headers['last-modified']).toBe(a.headers['last-modified']);
  });

  it.each([
    ['missing', 404],
    ['created', 201],
    ['nothing', 200],
    ['stream', 200],
    ['events', 200],
    ['own', 200],
    ['redirect', 302],
    ['header/set-cookie/a=b', 200],
    ['header/cache-control/no-store', 200],
    ['header/cache-control/private', 200],
    ['header/cache-control/no-cache', 200],
    ['header/vary/*', 200],
    ['header/vary/x-tenant', 200],
  ])('does not cache %s', async (path, status) => {
    const [a, b] = [await get(`/posts/${path}`), await get(`/posts/${path}`)];
    expect([a.status, b.status, a.cache, b.cache]).toEqual([status, status, 'BYPASS', 'BYPASS']);
    expect(calls).toBe(2);
    expect(await Promise.all(Array.from({ length: 5 }, () => get(`/posts/${path}`)))).toEqual(
      Array.from({ length: 5 }, () => expect.objectContaining({ status })),
    );
  });

  it('caches bytes only if they are sent as text', async () => {
    const found = [(await get('/posts/bytes')).cache, (await get('/posts/bytes')).cache];
    expect(found).toEqual(adapter === 'fastify' ? ['BYPASS', 'BYPASS'] : ['MISS', 'HIT']);
  });

  it.each([
    ['cache-control', 'max-age=60'],
    ['content-language', 'de'],
    ['content-disposition', 'inline'],
    ['link', '</next>; rel="next"'],
    ['vary', 'Accept-Encoding'],
  ])('keeps the header %s: %s', async (name, value) => {
    const path = `/posts/header/${name}/${encodeURIComponent(encodeURIComponent(value))}`;
    const [a, b] = [await get(path), await get(path)];
    expect([a.headers[name], b.headers[name], b.cache]).toEqual([value, value, 'HIT']);
  });

  it('ignores the order of query parameters, but not of repeated values', async () => {
    const texts = [];
    for (const query of ['a=1&b=2&b=3', 'b=2&a=1&b=3', '&b=2&b=3&a=1&']) {
      texts.push((await get(`/posts/query?${query}`)).text);
    }
    expect(new Set(texts).size).toBe(1);
    expect(calls).toBe(1);
    for (const query of ['a=1&b=3&b=2', 'a=1&b=2', 'a=1&%62=3&b=2', 'b=&a=1', '']) {
      expect((await get(`/posts/query?${query}`)).cache).toBe('MISS');
    }
    expect((await get('/posts/query')).cache).toBe('HIT');
  });

  it('has an entry for each value of a declared header, and sends Vary', async () => {
    const german = { 'accept-language': 'de' };
    const [none, de, deAgain, empty] = [
      await get('/posts/language'),
      await get('/posts/language', german),
      await get('/posts/language', german),
      await get('/posts/language', { 'accept-language': '' }),
    ];
    expect([none.cache, de.cache, deAgain.cache, empty.cache]).toEqual([
      'MISS',
      'MISS',
      'HIT',
      'MISS',
    ]);
    expect(deAgain.text).toBe('{"language":"de","calls":2}');
    expect([none, de, deAgain].map(({ headers }) => headers['vary'])).toEqual([
      'accept-language',
      'accept-language',
      'accept-language',
    ]);
  });

  describe('with an ETag', () => {
    it.each(['%s', 'W/%s', '"other", %s', '*', '"a,b",W/%s'])(
      'answers 304 to If-None-Match: %s, also on a miss',
      async (pattern) => {
        const path = `/posts/etag-${Buffer.from(pattern).toString('hex')}`;
        const { etag = '' } = (await get(path)).headers;
        expect(etag).toMatch(/^"[\w-]{27}"$/);
        const known = { 'if-none-match': pattern.replace('%s', etag) };
        const hit = await get(path, known);
        expect([hit.status, hit.text, hit.cache]).toEqual([304, '', 'HIT']);
        expect(hit.headers['etag']).toBe(etag);
        calls = 0;
        await cache.invalidateTags('posts');
        const miss = await get(path, known);
        expect([miss.status, miss.text, miss.cache]).toEqual([304, '', 'MISS']);
        expect((await get(path)).status).toBe(200);
      },
    );

    it.each(['"other"', 'W/"other"', 'garbage', '""', ','])(
      'answers 200 to If-None-Match: %s',
      async (known) => {
        await get('/posts/other-etag');
        const answer = await get('/posts/other-etag', { 'if-none-match': known });
        expect([answer.status, answer.cache]).toEqual([200, 'HIT']);
      },
    );

    it('keeps the ETag of the handler', async () => {
      const [a, b] = [await get('/posts/own-etag'), await get('/posts/own-etag')];
      expect([a.headers['etag'], b.headers['etag'], b.cache]).toEqual([
        'W/"mine"',
        'W/"mine"',
        'HIT',
      ]);
      expect((await get('/posts/own-etag', { 'if-none-match': '"mine"' })).status).toBe(304);
    });

    it('compares a tag with a comma as a whole', async () => {
      const path = `/posts/header/etag/${encodeURIComponent(encodeURIComponent('"a,b"'))}`;
      const answers = [];
      for (const known of ['"other", "a,b"', '"a', 'b"']) {
        answers.push((await get(path, { 'if-none-match': known })).status);
      }
      expect(answers).toEqual([304, 200, 200]);
    });
  });

  describe('with headers of the handler', () => {
    it.each(['/posts/total', '/plain/total'])('keeps the configured headers: %s', async (path) => {
      const [miss, ...joined] = await Promise.all([get(path), get(path), get(path)]);
      const hit = await get(path);
      const head = await get(path, {}, 'HEAD');
      const same = await get(path, { 'if-none-match': hit.headers['etag'] ?? '' });
      expect([hit.cache, head.cache, same.status, calls]).toEqual(['HIT', 'HIT', 304, 1]);
      for (const { headers } of [miss, ...joined, hit, head, same]) {
        expect(headers).toMatchObject({ 'x-total-count': '1', 'x-static': 'always' });
      }
      expect([miss.headers['x-other'], hit.headers['x-other']]).toEqual(['1', undefined]);
    });

    it('also keeps those that the cache names', async () => {
      const [miss, hit] = [await get('/reports/paged'), await get('/reports/paged')];
      expect([miss.cache, hit.cache]).toEqual(['MISS', 'HIT']);
      expect(hit.headers).toMatchObject({ 'x-page': '1', 'x-pages': '7' });
    });
  });

  it('answers HEAD from the entry of GET, and never fills it', async () => {
    const [miss, again] = [
      await get('/posts/head', {}, 'HEAD'),
      await get('/posts/head', {}, 'HEAD'),
    ];
    expect([miss.cache, again.cache, calls]).toEqual(['MISS', 'MISS', 2]);
    const { headers, cache: first } = await get('/posts/head');
    expect(first).toBe('MISS');
    const hit = await get('/posts/head', {}, 'HEAD');
    expect([hit.cache, hit.text, calls]).toEqual(['HIT', '', 3]);
    expect(hit.headers['content-length']).toBe(headers['content-length']);
    expect(hit.headers['etag']).toBe(headers['etag']);
  });

  it('never answers POST from the cache, even with the same key', async () => {
    expect((await get('/posts/keyed?q=1')).cache).toBe('MISS');
    const posted = await get('/posts/keyed', {}, 'POST');
    expect([posted.status, posted.cache, JSON.parse(posted.text)]).toEqual([
      201,
      undefined,
      { posted: 2 },
    ]);
    expect((await get('/posts/keyed?q=2')).text).toBe('{"q":"1","calls":1}');
  });

  it('never caches a request with a body', async () => {
    const chunked = { 'transfer-encoding': 'chunked' };
    const [first, second] = [
      await get('/posts/keyed', chunked),
      await get('/posts/keyed', chunked),
    ];
    expect([first.status, first.cache, second.cache]).toEqual([200, undefined, undefined]);
    expect(second.text).not.toBe(first.text);
  });

  it("can be deleted by the key that the handler's decorator names", async () => {
    await cache.delete('all-posts');
    expect((await get('/posts/keyed')).cache).toBe('MISS');
    await cache.delete('all-posts');
    expect((await get('/posts/keyed')).cache).toBe('MISS');
  });

  it('treats a foreign value at its key as a miss', async () => {
    await cache.set('all-posts', { stored: 'by others' });
    expect((await get('/posts/keyed?q=3')).text).toBe('{"q":"3","calls":1}');
  });

  it('never serves an invalidated response', async () => {
    await get('/posts/tagged');
    await get('/posts/untouched');
    await cache.invalidateTags('post-tagged');
    expect((await get('/posts/tagged')).cache).toBe('MISS');
    expect((await get('/posts/untouched')).cache).toBe('HIT');
    await cache.invalidateTags('posts');
    expect((await get('/posts/untouched')).cache).toBe('MISS');
  });

  it('as a global interceptor, caches only decorated handlers', async () => {
    expect([(await get('/plain')).cache, (await get('/plain')).cache]).toEqual([
      undefined,
      undefined,
    ]);
    expect([(await get('/plain/decorated')).cache, (await get('/plain/decorated')).cache]).toEqual([
      'MISS',
      'HIT',
    ]);
  });

  it('can use another cache by name', async () => {
    expect([(await get('/reports')).cache, (await get('/reports')).cache]).toEqual(['MISS', 'HIT']);
    const reports = app.nest.get<RedisCache>(getRedisCacheToken('reports'), { strict: false });
    await reports.delete('report');
    expect((await get('/reports')).cache).toBe('MISS');
  });

  it('ignores the Cache-Control header of a client', async () => {
    await get('/posts/busted');
    const answer = await get('/posts/busted', { 'cache-control': 'no-cache', pragma: 'no-cache' });
    expect(answer.cache).toBe('HIT');
  });
});
