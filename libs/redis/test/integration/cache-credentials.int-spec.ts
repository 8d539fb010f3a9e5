import { once, type EventEmitter } from 'node:events';
import https from 'node:https';
import type { IncomingMessage } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import {
  Controller,
  Get,
  Injectable,
  Module,
  Req,
  UseInterceptors,
  type CanActivate,
  type ExecutionContext,
  type INestApplication,
  type INestMicroservice,
  type Type,
} from '@nestjs/common';
import { APP_GUARD, NestFactory } from '@nestjs/core';
import { GraphQLModule, Int, Query, Resolver } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import {
  ClientProxyFactory,
  MessagePattern,
  Transport,
  type MicroserviceOptions,
} from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import type { FastifyRequest } from 'fastify';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { firstValueFrom } from 'rxjs';
import { io, type ManagerOptions, type Socket, type SocketOptions } from 'socket.io-client';
import {
  CacheKey,
  CacheScope,
  CacheVary,
  RedisCacheInterceptor,
  RedisModule,
  type UnnamedCacheOptions,
} from 'nestjs-redis-data';
import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { generateTlsMaterial } from '../../src/testing/tls-material.js';
import { caught } from './support/caught.js';
import { serve, type Adapter, type HttpApp } from './support/http-app.js';

let calls = 0;
beforeEach(() => {
  calls = 0;
});

interface Request {
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly query: Readonly<Record<string, string | undefined>>;
}

/** Notes whom it has found where the request says. */
@Injectable()
class NotingGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (context.getType() !== 'http') return true;
    const request = context.switchToHttp().getRequest<Record<string, unknown> & Request>();
    const property = request.headers['x-note-in'];
    if (property !== undefined) request[property] = { id: 'Ada' };
    return true;
  }
}

@Controller()
@UseInterceptors(RedisCacheInterceptor)
class PriceController {
  @Get('prices')
  prices(@Req() { headers }: Request): object {
    return { for: headers['x-api-key'] ?? 'all', call: ++calls };
  }

  @Get('keyed')
  @CacheKey(() => 'keyed')
  keyed(@Req() { query }: Request): object {
    return { for: query['api_key'] ?? 'all', call: ++calls };
  }

  @Get('shared')
  @CacheScope('shared')
  shared(): object {
    return { call: ++calls };
  }

  @Get('varying')
  @CacheVary('x-tenant-id')
  varying(@Req() { headers }: Request): object {
    return { for: headers['x-tenant-id'], call: ++calls };
  }
}

@Controller('named')
@UseInterceptors(RedisCacheInterceptor.for('reports'))
class ReportController {
  @Get()
  get(): object {
    return { call: ++calls };
  }
}

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describe.each<Adapter>(['fastify', 'express'])('RedisCacheInterceptor on %s', (adapter) => {
  let app: HttpApp;
  beforeAll(async () => {
    app = await serve({
      adapter,
      controllers: [PriceController, ReportController],
      providers: [{ provide: APP_GUARD, useClass: NotingGuard }],
      redis: {
        url: server.url,
        app: `credentials-${adapter}`,
        cache: { timeout: '5s', credentialHeaders: ['X-Acme-Partner'] },
      },
      caches: { reports: { credentialHeaders: ['x-acme-branch'] } },
    });
  });
  afterAll(() => app.close());

  const cached = async (path: string, ...headers: Record<string, string>[]) => {
    const found = [];
    for (const each of headers) found.push((await app.request(path, each)).cache);
    return found;
  };

  it.each([
    'Authorization',
    'Proxy-Authorization',
    'Cookie',
    'X-Api-Key',
    'X-ApiKey',
    'apikey',
    'X-Acme-Api-Key',
    'X-RapidAPI-Key',
    'Ocp-Apim-Subscription-Key',
    'X-Functions-Key',
    'X-Auth-Token',
    'X-Access-Token',
    'Private-Token',
    'X-Amz-Security-Token',
    'X-Session-Id',
    'X-User-Id',
    'X-Forwarded-User',
    'X-Forwarded-Email',
    'X-Auth-Request-Email',
    'X-Authenticated-UserId',
    'Remote-User',
    'X-Consumer-Username',
    'X-Client-Id',
    'X-Client-Secret',
    'X-Tenant-Id',
    'X-Account',
    'X-Ms-Client-Principal',
    'X-Amzn-Oidc-Data-Jwt',
    'X-Goog-Iap-Jwt-Assertion',
    'Cf-Access-Jwt-Assertion',
    'Client-Cert',
    'X-Forwarded-Client-Cert',
    'X-SSL-Client-S-DN',
    'DPoP',
    'Signature',
    'X-Acme-Partner',
  ])('shares no response with a request that has %s', async (header) => {
    const path = `/prices?${header}`;
    expect(await cached(path, { [header]: 'a' }, {}, { [header]: 'b' }, {})).toEqual([
      'BYPASS',
      'MISS',
      'BYPASS',
      'HIT',
    ]);
    expect(calls).toBe(3);
  });

  it('does not take headers of browsers, proxies and caches for credentials', async () => {
    const anonymous = {
      'user-agent': 'Mozilla/5.0',
      accept: '*/*',
      'accept-language': 'de',
      'cache-control': 'no-cache',
      'sec-fetch-user': '?1',
      'sec-ch-ua': '"Chromium"',
      'idempotency-key': '1',
      'x-forwarded-for': '192.0.2.1',
      'x-forwarded-proto': 'https',
      'x-request-id': '1',
      'x-real-ip': '192.0.2.1',
      'x-author': 'Ada',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      baggage: 'a=1',
      origin: 'https://example.com',
      referer: 'https://example.com/user?token=1',
      via: '1.1 proxy',
    };
    expect(await cached('/prices?anonymous', {}, anonymous)).toEqual(['MISS', 'HIT']);
  });

  it.each(['user', 'currentUser', 'auth', 'principal', 'account', 'apiKey'])(
    'shares nothing with a user that a guard has set as request.%s',
    async (property) => {
      const path = `/prices?${property}`;
      const noted = { 'x-note-in': property };
      expect(await cached(path, noted, {}, noted)).toEqual(['BYPASS', 'MISS', 'BYPASS']);
    },
  );

  it('shares nothing with a request that has an API key in the query, unless the cache key contains it', async () => {
    expect(await cached('/keyed?api_key=a', {})).toEqual(['BYPASS']);
    expect(await cached('/keyed?page=1', {}, {})).toEqual(['MISS', 'HIT']);
    expect(await cached('/keyed?page=1&access-token=b', {})).toEqual(['BYPASS']);
    expect(await cached('/prices?api_key=a', {}, {})).toEqual(['MISS', 'HIT']);
  });

  it('shares responses that are declared as shared', async () => {
    const keys = ['a', 'b'].map((key) => ({ 'x-api-key': key }));
    expect(await cached('/shared', ...keys, {})).toEqual(['MISS', 'HIT', 'HIT']);
  });

  it('has an entry for each value of a declared header', async () => {
    const tenants = ['a', 'b', 'a'].map((id) => ({ 'x-tenant-id': id }));
    expect(await cached('/varying', ...tenants)).toEqual(['MISS', 'MISS', 'HIT']);
    expect(await cached('/varying', { ...tenants[0], 'x-api-key': '1' })).toEqual(['BYPASS']);
  });

  it("adds the headers of a cache to its connection's", async () => {
    const [partner, branch] = [{ 'x-acme-partner': '1' }, { 'x-acme-branch': '1' }];
    expect(await cached('/named', partner, branch, {}, {})).toEqual([
      'BYPASS',
      'BYPASS',
      'MISS',
      'HIT',
    ]);
    expect(await cached('/prices?named', branch, branch)).toEqual(['MISS', 'HIT']);
  });

  it('shares no response with a client that shows a certificate', async () => {
    const { ca, cert, key } = generateTlsMaterial();
    const own = { ca, cert, key, requestCert: true, rejectUnauthorized: false };
    const nest = await NestFactory.create(
      moduleOf({ controllers: [PriceController], app: `certificates-${adapter}` }),
      adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter({ https: own }),
      { logger: false, abortOnError: false, httpsOptions: own },
    );
    await nest.listen(0, '127.0.0.1');
    const { port } = (nest.getHttpServer() as https.Server).address() as AddressInfo;
    const stranger = generateTlsMaterial();
    const get = async (certificate: { cert?: string; key?: string }) => {
      const options = { port, path: '/prices', ca, agent: false, ...certificate };
      const outgoing = https.get({ host: 'localhost', family: 4, ...options });
      const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
      await text(response);
      return response.headers['x-cache'];
    };
    const seen = [await get({ cert, key }), await get({}), await get({})];
    seen.push(await get({ cert: stranger.cert, key: stranger.key }), await get({ cert, key }));
    await nest.close();
    expect(seen).toEqual(['BYPASS', 'MISS', 'HIT', 'BYPASS', 'BYPASS']);
  });
});

it.each([[['']], [[1]], ['x-api-key'], [['not a name']]])(
  'does not start with %j as credentialHeaders',
  async (credentialHeaders) => {
    const boot = NestFactory.createApplicationContext(
      moduleOf({ app: 'wrong', cache: { credentialHeaders: credentialHeaders as string[] } }),
      { logger: false, abortOnError: false },
    );
    const error = await caught(boot);
    expect(error.name).toBe('RedisConfigurationException');
    expect(error.message).toContain('credentialHeaders');
  },
);

it.each([[['Set-Cookie']], [['x-auth-token']], [['connection']], [[1]], ['x-total-count']])(
  'does not start with %j as responseHeaders',
  async (responseHeaders) => {
    const boot = NestFactory.createApplicationContext(
      moduleOf({ app: 'wrong', cache: { responseHeaders: responseHeaders as string[] } }),
      { logger: false, abortOnError: false },
    );
    const error = await caught(boot);
    expect(error.name).toBe('RedisConfigurationException');
    expect(error.message).toContain('responseHeaders');
  },
);

@Resolver()
@UseInterceptors(RedisCacheInterceptor)
class PriceResolver {
  @Query(() => Int)
  @CacheKey(() => ['resolver', 'price'])
  price(): number {
    return ++calls;
  }

  @Query(() => Int)
  @CacheKey(() => ['resolver', 'shared'])
  @CacheScope('shared')
  shared(): number {
    return ++calls;
  }
}

describe('RedisCacheInterceptor on a GraphQL resolver with a key', () => {
  let app: INestApplication;
  beforeAll(async () => {
    const graphql = GraphQLModule.forRoot<MercuriusDriverConfig>({
      driver: MercuriusDriver,
      autoSchemaFile: true,
      cache: false, // has an import() that Jest refuses
      context: ({ headers }: FastifyRequest) => ({ viewer: headers['x-who'] }),
    });
    app = await NestFactory.create(
      moduleOf({ app: 'resolver', imports: [graphql], providers: [PriceResolver] }),
      new FastifyAdapter(),
      { logger: false, abortOnError: false },
    );
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());

  const ask = async (query: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${await app.getUrl()}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ query: `{ ${query} }` }),
    });
    const { data } = (await response.json()) as { data: Record<string, number> };
    return data[query];
  };

  it.each([
    ['has X-Api-Key', { 'x-api-key': 'a' }],
    ['has Authorization', { authorization: 'Bearer a' }],
    ['has a further header that counts', { 'x-acme-partner': 'a' }],
    ['has a user in its context', { 'x-who': 'Ada' }],
  ])('shares nothing with a request that %s', async (_, headers) => {
    const shared = await ask('price');
    calls = 100;
    expect(await ask('price', headers)).toBe(101);
    expect(await ask('price', headers)).toBe(102);
    expect(await ask('price')).toBe(shared);
  });

  it('shares responses that are declared as shared', async () => {
    const first = await ask('shared', { 'x-api-key': 'a' });
    expect(await ask('shared', { 'x-api-key': 'b' })).toBe(first);
    expect(await ask('shared')).toBe(first);
  });
});

@WebSocketGateway()
@UseInterceptors(RedisCacheInterceptor)
class PriceGateway {
  @SubscribeMessage('price')
  @CacheKey(() => ['gateway', 'price'])
  price(): number {
    return ++calls;
  }
}

describe('RedisCacheInterceptor on a gateway with a key', () => {
  let app: INestApplication;
  beforeAll(async () => {
    app = await NestFactory.create(moduleOf({ app: 'gateway', providers: [PriceGateway] }), {
      logger: false,
      abortOnError: false,
    });
    await app.listen(0, '127.0.0.1');
  });
  afterAll(() => app.close());

  const ask = async (options: Partial<ManagerOptions & SocketOptions> = {}) => {
    const url = await app.getUrl();
    const socket: Socket = io(url, { transports: ['websocket'], forceNew: true, ...options });
    await once(socket as unknown as EventEmitter, 'connect');
    const answer = (await socket.emitWithAck('price')) as number;
    socket.close();
    return answer;
  };

  it.each<[string, Partial<ManagerOptions & SocketOptions>]>([
    ['a header', { extraHeaders: { 'x-api-key': 'a' } }],
    ['a cookie', { extraHeaders: { cookie: 'session=a' } }],
    ['the auth of its handshake', { auth: { key: 'a' } }],
    ['its query', { query: { token: 'a' } }],
  ])('shares nothing with a client that has credentials in %s', async (_, options) => {
    const shared = await ask();
    calls = 100;
    expect(await ask(options)).toBe(101);
    expect(await ask()).toBe(shared);
  });
});

@Controller()
@UseInterceptors(RedisCacheInterceptor)
class PriceMessages {
  @MessagePattern('price')
  @CacheKey(() => ['message', 'price'])
  price(): number {
    return ++calls;
  }
}

describe('RedisCacheInterceptor on a message handler with a key', () => {
  const { ca, cert, key } = generateTlsMaterial();
  let app: INestMicroservice;
  let port: number;
  beforeAll(async () => {
    const probe = createServer().listen(0, '127.0.0.1');
    await once(probe, 'listening');
    ({ port } = probe.address() as AddressInfo);
    await promisify(probe.close.bind(probe))();
    app = await NestFactory.createMicroservice<MicroserviceOptions>(
      moduleOf({ app: 'message', controllers: [PriceMessages] }),
      {
        transport: Transport.TCP,
        options: {
          host: '127.0.0.1',
          port,
          tlsOptions: { ca, cert, key, requestCert: true, rejectUnauthorized: false },
        },
        logger: false,
        abortOnError: false,
      },
    );
    await app.listen();
  });
  afterAll(() => app.close());

  const ask = async ({
    metadata,
    ...tls
  }: { metadata?: Record<string, string>; cert?: string; key?: string } = {}) => {
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port, tlsOptions: { ca, ...tls } },
    });
    client.setOnDispatchHook((packet) => {
      if (metadata) packet.metadata = metadata;
    });
    const answer = await firstValueFrom(client.send<number>('price', {}));
    client.close();
    return answer;
  };

  it.each([
    ['its metadata', { metadata: { authorization: 'Bearer a' } }],
    ['a certificate', { cert, key }],
  ])('shares nothing with a client that has credentials in %s', async (_, options) => {
    const shared = await ask();
    calls = 100;
    expect(await ask(options)).toBe(101);
    expect(await ask()).toBe(shared);
  });
});

function moduleOf({
  app,
  cache = { timeout: '5s', credentialHeaders: ['x-acme-partner'] },
  ...parts
}: {
  app: string;
  cache?: UnnamedCacheOptions;
  imports?: NonNullable<Parameters<typeof Module>[0]['imports']>;
  controllers?: Type[];
  providers?: Type[];
}) {
  const { imports = [], controllers = [], providers = [] } = parts;
  @Module({
    imports: [RedisModule.forRoot({ url: server.url, app, startup: 'wait', cache }), ...imports],
    controllers,
    providers,
  })
  class AppModule {}
  return AppModule;
}
