/** Fails when Fastify, Express or Nest's adapters change what `http-cache/adapter-internals.ts` relies on. */
import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import {
  Controller,
  Get,
  Header,
  Module,
  Res,
  StreamableFile,
  type CallHandler,
  type ExecutionContext,
  type INestApplication,
  type NestInterceptor,
} from '@nestjs/common';
import { APP_INTERCEPTOR, NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { FastifyInstance } from 'fastify';
import type { Observable } from 'rxjs';
import {
  comesAgainAsText,
  isFastify,
  nodeResponseOf,
  replaceSend,
  serializesPlainly,
} from '../../src/nest/http-cache/adapter-internals.js';
import type { HttpResponse } from '../../src/nest/http-cache/http-messages.js';

/** The events of the response, in their order. */
let events: string[] = [];
/** Whether the first call of `send` is delayed, as it is until the response is cached. */
let isDelayed = false;
beforeEach(() => {
  events = [];
  isDelayed = false;
});

class Watch implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const response = context.switchToHttp().getResponse<HttpResponse>();
    const { send } = response;
    nodeResponseOf(response).once('pipe', () => events.push('pipe'));
    nodeResponseOf(response).once('finish', () => events.push('finish'));
    replaceSend(response, (payload) => {
      const isJson = isFastify(response) && serializesPlainly(response);
      const again = comesAgainAsText(response, payload);
      events.push(`send ${kindOf(payload)}${isJson ? ' plainly' : ''}${again ? ' again' : ''}`);
      if (!isDelayed || events.length > 1)
        return isDelayed ? response : send.call(response, payload);
      setTimeout(() => {
        replaceSend(response, send);
        response.send(payload);
      }, 20);
      return response;
    });
    return next.handle();
  }
}

function kindOf(payload: unknown): string {
  return payload instanceof Readable ? 'stream' : typeof payload;
}

@Controller()
class Routes {
  @Get('object')
  object(): object {
    return { a: 1 };
  }
  @Get('text')
  text(): string {
    return 'a text';
  }
  @Get('nothing')
  nothing(): void {
    return undefined;
  }
  @Get('stream')
  @Header('content-type', 'text/plain')
  stream(): StreamableFile {
    return new StreamableFile(Readable.from(['a stream']));
  }
  @Get('own')
  own(@Res() response: { send(payload: object): void }): void {
    response.send({ a: 1 });
  }
  @Get('hooked')
  hooked(): object {
    return { secret: 'hunter2' };
  }
  @Get('serializer')
  serializer(@Res({ passthrough: true }) reply: { serializer?(work: () => string): void }): object {
    reply.serializer?.(() => '{"own":true}');
    return { a: 1 };
  }
}

@Module({ controllers: [Routes], providers: [{ provide: APP_INTERCEPTOR, useClass: Watch }] })
class AppModule {}

async function open(adapter: 'fastify' | 'express'): Promise<INestApplication> {
  const isExpress = adapter === 'express';
  const app = await NestFactory.create(
    AppModule,
    isExpress ? new ExpressAdapter() : new FastifyAdapter(),
    { logger: false },
  );
  if (!isExpress) {
    const fastify = app.getHttpAdapter().getInstance() as FastifyInstance;
    fastify.addHook('onSend', async () => {
      events.push('onSend');
    });
    fastify.addHook('onRoute', (route) => {
      if (route.url !== '/hooked') return;
      route.preSerialization = async () => ({ secret: '***' });
    });
  }
  await app.listen(0, '127.0.0.1');
  return app;
}

async function get(app: INestApplication, path: string): Promise<string> {
  const { port } = (app.getHttpServer() as http.Server).address() as AddressInfo;
  const request = http.get({ port, host: '127.0.0.1', path, agent: false });
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  return text(response);
}

describe('Fastify', () => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await open('fastify');
  });
  afterAll(() => app.close());

  it.each([
    ['object', '{"a":1}', ['send object plainly', 'onSend', 'finish']],
    ['text', 'a text', ['send string plainly', 'onSend', 'finish']],
    ['nothing', '', ['send undefined plainly', 'onSend', 'finish']],
    ['hooked', '{"secret":"***"}', ['send object', 'onSend', 'finish']],
    ['serializer', '{"own":true}', ['send object', 'onSend', 'finish']],
  ])('sends %s once, before its onSend hooks', async (path, body, expected) => {
    expect(await get(app, `/${path}`)).toBe(body);
    expect(events).toEqual(expected);
  });

  it('sends a stream in the same way', async () => {
    expect(await get(app, '/stream')).toBe('a stream');
    expect(events.filter((event) => event !== 'pipe')).toEqual([
      'send stream plainly',
      'onSend',
      'finish',
    ]);
  });

  it('waits for a response that is sent later', async () => {
    isDelayed = true;
    expect(await get(app, '/object')).toBe('{"a":1}');
    expect(events).toEqual(['send object plainly', 'onSend', 'finish']);
  });
});

describe('Express', () => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await open('express');
  });
  afterAll(() => app.close());

  it.each([
    ['object', '{"a":1}', ['send string', 'finish']],
    ['own', '{"a":1}', ['send object again', 'send string', 'finish']],
    ['text', 'a text', ['send string', 'finish']],
    ['nothing', '', ['send undefined', 'finish']],
    ['stream', 'a stream', ['pipe', 'finish']],
  ])('sends %s as expected', async (path, body, expected) => {
    expect(await get(app, `/${path}`)).toBe(body);
    expect(events).toEqual(expected);
  });
});

it('takes a reply for serialized in another way if Fastify keeps its hooks elsewhere', () => {
  const moved = Symbol('fastify.moved');
  const reply = { request: { [moved]: { preSerialization: null } }, [moved]: null };
  expect(serializesPlainly(reply as unknown as HttpResponse)).toBe(false);
});
