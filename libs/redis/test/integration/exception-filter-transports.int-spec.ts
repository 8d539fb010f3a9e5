import { once, type EventEmitter } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import {
  Catch,
  Controller,
  Injectable,
  Module,
  UseFilters,
  type ArgumentsHost,
  type DynamicModule,
  type INestApplication,
  type INestMicroservice,
  type ModuleMetadata,
  type Type,
  type WebSocketAdapter,
} from '@nestjs/common';
import { APP_FILTER, NestFactory } from '@nestjs/core';
import { Args, GraphQLModule, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type ClientProxy,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  BaseWsExceptionFilter,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
} from '@nestjs/websockets';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import { defer, firstValueFrom, type Observable } from 'rxjs';
import { io, type Socket } from 'socket.io-client';
import { WebSocket } from 'ws';
import {
  InjectRedis,
  InjectRedisRepository,
  REDIS_EXCEPTION_FILTER_OPTIONS,
  RedisExceptionFilter,
  RedisModule,
  RedisTimeoutException,
  type RedisRepository,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { caught } from './support/caught.js';
import { Customer, customer } from './support/customer.js';
import { NativeWsAdapter } from './support/native-ws-adapter.js';

const FAILURES = {
  away: {
    status: 503,
    code: 'REDIS_CONNECTION',
    title: 'Service Unavailable',
    detail: 'The service cannot reach its data at the moment. Please try again shortly.',
  },
  timeout: {
    status: 504,
    code: 'REDIS_TIMEOUT',
    title: 'Gateway Timeout',
    detail: 'The service cannot reach its data at the moment. Please try again shortly.',
  },
  missing: {
    status: 404,
    code: 'REDIS_KEY_NOT_FOUND',
    title: 'Not Found',
    detail: 'There is nothing under this identifier.',
  },
  taken: {
    status: 409,
    code: 'REDIS_CONFLICT',
    title: 'Conflict',
    detail: 'Some values are already taken; see "errors".',
    errors: [{ property: 'email', messages: ['email is already taken'] }],
  },
  invalid: {
    status: 400,
    code: 'REDIS_VALIDATION',
    title: 'Bad Request',
    detail: 'Some values are not acceptable; see "errors".',
    errors: [{ property: 'email', messages: ['email must be an email'] }],
  },
  wrongtype: {
    status: 500,
    code: 'REDIS_COMMAND',
    title: 'Internal Server Error',
    detail: 'The request could not be processed. The failure has been recorded.',
  },
} as const;

type Failure = keyof typeof FAILURES;
const NAMES = Object.keys(FAILURES) as Failure[];

/** What only the log may say: hosts, ports, keys, values, commands, replies and stacks. */
const INTERNAL = /127\.0\.0\.1|localhost|customer:|secret-shop|lpush|WRONGTYPE|hunter2|\.[jt]s:\d/;

const typeOf = (failure: Failure) =>
  `urn:nestjs-redis-data:${FAILURES[failure].code.replace('REDIS_', '').toLowerCase().replaceAll('_', '-')}`;

@Injectable()
class Failures {
  constructor(
    @InjectRedis() private readonly redis: Redis,
    @InjectRedis('away') private readonly away: Redis,
    @InjectRedisRepository(Customer) private readonly customers: RedisRepository<Customer>,
  ) {}

  async fail(how: string): Promise<string> {
    switch (how as Failure) {
      case 'away':
        return String(await this.away.get('secret-shop:hunter2'));
      case 'timeout':
        throw new RedisTimeoutException({ operation: 'lpush', key: 'hunter2', timeoutMs: 1 });
      case 'missing':
        return (await this.customers.getByIdOrFail('hunter2')).id;
      case 'taken':
        await this.customers.save(customer(1));
        await this.customers.save(customer(2, { email: customer(1).email }));
        return '';
      case 'invalid':
        await this.customers.save(customer(3, { email: 'hunter2' }));
        return '';
      case 'wrongtype':
        await this.redis.set('hunter2', 'hunter2');
        return String(await this.redis.lpush('hunter2', 'hunter2'));
      default:
        throw new TypeError('hunter2');
    }
  }
}

let server: RedisTestServer;
let portOfNobody: number;
beforeAll(async () => {
  server = await startRedis();
  portOfNobody = await freePort();
});
afterAll(() => server.stop());

function appModule(
  imports: DynamicModule[],
  door: Pick<ModuleMetadata, 'providers' | 'controllers'>,
) {
  @Module({
    imports: [
      RedisModule.forRoot({ url: server.url, app: 'secret-shop' }),
      RedisModule.forRoot({ name: 'away', host: '127.0.0.1', port: portOfNobody }),
      RedisModule.forFeature([Customer]),
      ...imports,
    ],
    providers: [
      Failures,
      { provide: APP_FILTER, useClass: RedisExceptionFilter },
      { provide: REDIS_EXCEPTION_FILTER_OPTIONS, useValue: { timeoutStatus: 504 } },
      ...(door.providers ?? []),
    ],
    controllers: door.controllers ?? [],
  })
  class AppModule {}
  return AppModule;
}

@Resolver()
class FailureResolver {
  constructor(private readonly failures: Failures) {}

  @Query(() => String, { nullable: true })
  fail(@Args('how') how: string): Promise<string> {
    return this.failures.fail(how);
  }
}

describe('RedisExceptionFilter as APP_FILTER sends the problem, and nothing else, to a GraphQL client', () => {
  let app: INestApplication;
  beforeAll(async () => {
    const graphql = GraphQLModule.forRoot<MercuriusDriverConfig>({
      driver: MercuriusDriver,
      autoSchemaFile: true,
      cache: false, // has an import() that Jest refuses
    });
    app = await NestFactory.create(
      appModule([graphql], { providers: [FailureResolver] }),
      new FastifyAdapter(),
      { logger: false, abortOnError: false },
    );
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());

  it.each(NAMES)('for %s', async (how) => {
    const response = await fetch(`${await app.getUrl()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: `{ fail(how: "${how}") }` }),
    });
    const body = await response.text();
    const { detail, ...rest } = FAILURES[how];
    const { data, errors } = JSON.parse(body) as { data: unknown; errors: unknown[] };
    expect(data).toEqual({ fail: null });
    expect(errors).toEqual([
      {
        message: detail,
        locations: expect.any(Array) as unknown,
        path: ['fail'],
        extensions: { type: typeOf(how), ...rest },
      },
    ]);
    expect(body).not.toMatch(INTERNAL);
  });
});

@Controller()
class FailureController {
  constructor(private readonly failures: Failures) {}

  @MessagePattern('fail')
  fail(@Payload() how: string): Promise<string> {
    return this.failures.fail(how);
  }

  @MessagePattern('fail later')
  failLater(@Payload() how: string): Observable<string> {
    return defer(() => this.failures.fail(how));
  }
}

describe('RedisExceptionFilter as APP_FILTER sends the problem, and nothing else, to a client of a microservice', () => {
  let app: INestMicroservice;
  let client: ClientProxy;
  beforeAll(async () => {
    const transport = {
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port: await freePort() },
    } as const;
    app = await NestFactory.createMicroservice<MicroserviceOptions>(
      appModule([], { controllers: [FailureController] }),
      { ...transport, logger: false, abortOnError: false },
    );
    await app.listen();
    client = ClientProxyFactory.create(transport);
  });
  afterAll(async () => {
    client.close();
    await app.close();
  });

  it.each(NAMES.flatMap((how) => [['fail', how] as const, ['fail later', how] as const]))(
    '%s: for %s',
    async (pattern, how) => {
      const reply = await caught(firstValueFrom(client.send<string>(pattern, how)));
      const { detail } = FAILURES[how];
      expect(reply).toEqual({ type: typeOf(how), message: detail, ...FAILURES[how] });
      expect(JSON.stringify(reply)).not.toMatch(INTERNAL);
    },
  );
});

@WebSocketGateway()
class FailureGateway {
  constructor(private readonly failures: Failures) {}

  @SubscribeMessage('fail')
  fail(@MessageBody() how: string): Promise<string> {
    return this.failures.fail(how);
  }

  @SubscribeMessage('fail later')
  failLater(@MessageBody() how: string): Observable<string> {
    return defer(() => this.failures.fail(how));
  }
}

const exceptionFor = (how: Failure, pattern: string) => ({
  status: 'error',
  message: FAILURES[how].detail,
  code: FAILURES[how].code,
  problem: { type: typeOf(how), ...FAILURES[how] },
  cause: { pattern, data: how },
});

async function serveGateway(
  gateway: Type,
  adapter?: new (app: INestApplication) => WebSocketAdapter,
) {
  const app = await NestFactory.create(appModule([], { providers: [gateway] }), {
    logger: false,
    abortOnError: false,
  });
  if (adapter) app.useWebSocketAdapter(new adapter(app));
  await app.listen(0, '127.0.0.1');
  const { port } = (app.getHttpServer() as Server).address() as AddressInfo;
  return { app, at: `127.0.0.1:${port}` };
}

describe('RedisExceptionFilter as APP_FILTER sends the problem, and nothing else, to a socket.io client', () => {
  let app: INestApplication;
  let socket: Socket;
  beforeAll(async () => {
    const served = await serveGateway(FailureGateway);
    app = served.app;
    socket = io(`http://${served.at}`, { transports: ['websocket'], reconnection: false });
    await once(socket as unknown as EventEmitter, 'connect');
  });
  afterAll(async () => {
    socket.close();
    await app.close();
  });

  it.each(NAMES.flatMap((how) => [['fail', how] as const, ['fail later', how] as const]))(
    '%s: for %s',
    async (event, how) => {
      const told = once(socket as unknown as EventEmitter, 'exception');
      socket.emit(event, how);
      const [exception] = (await told) as [unknown];
      expect(exception).toEqual(exceptionFor(how, event));
      expect(JSON.stringify(exception)).not.toMatch(INTERNAL);
    },
  );

  it('passes other errors to the filters of the gateway, and does not change its metadata', async () => {
    const told = once(socket as unknown as EventEmitter, 'exception');
    socket.emit('fail', 'program');
    expect((await told)[0]).toMatchObject({ status: 'error', message: 'Internal server error' });
    expect(Reflect.getMetadata('__exceptionFilters__', FailureGateway)).toBeUndefined();
  });
});

@Catch()
class CatchAll extends BaseWsExceptionFilter {
  override catch(_: unknown, host: ArgumentsHost): void {
    host
      .switchToWs()
      .getClient<WebSocket>()
      .send(JSON.stringify({ event: 'own', data: 1 }));
  }
}

@WebSocketGateway()
class ParticularGateway extends FailureGateway {
  @SubscribeMessage('fail particularly')
  @UseFilters(CatchAll)
  failParticularly(@MessageBody() how: string): Promise<string> {
    return this.fail(how);
  }
}

describe('RedisExceptionFilter as APP_FILTER sends the problem to a native WebSocket client', () => {
  let app: INestApplication;
  let socket: WebSocket;
  const ask = async (event: string, data: string) => {
    const told = once(socket, 'message');
    socket.send(JSON.stringify({ event, data }));
    return JSON.parse(String((await told)[0])) as unknown;
  };
  beforeAll(async () => {
    const served = await serveGateway(ParticularGateway, NativeWsAdapter);
    app = served.app;
    socket = new WebSocket(`ws://${served.at}`);
    await once(socket, 'open');
  });
  afterAll(async () => {
    socket.terminate();
    await app.close();
  });

  it('as an event of its protocol', async () => {
    expect(await ask('fail', 'missing')).toEqual({
      event: 'exception',
      data: exceptionFor('missing', 'fail'),
    });
  });

  it('unless a filter of the gateway handles it', async () => {
    expect(await ask('fail particularly', 'missing')).toEqual({ event: 'own', data: 1 });
  });
});

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  await once(listener, 'close');
  return port;
}
