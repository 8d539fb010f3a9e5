import { createServer, type AddressInfo } from 'node:net';
import { Injectable, Module, type OnModuleInit } from '@nestjs/common';
import { ConfigModule } from '@nestjs/config';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  getKeyBuilderToken,
  getRedisOptionsToken,
  getRedisPoolToken,
  getRedisToken,
  InjectKeyBuilder,
  InjectRedis,
  InjectRedisOptions,
  InjectRedisPool,
  KeyBuilder,
  redisConfig,
  RedisModule,
  RedisPool,
  type RedisModuleAsyncOptions,
  type RedisModuleOptions,
  type RedisOptionsFactory,
  type ResolvedRedisOptions,
} from 'nestjs-redis-data';
import { startFaultProxy, startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { caught } from './support/caught.js';

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const apps: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});
async function boot(...imports: NonNullable<RedisModuleAsyncOptions['imports']>) {
  const app = await Test.createTestingModule({ imports }).compile();
  await app.init();
  apps.push(app);
  return app;
}
const options = (): RedisModuleOptions => ({ url: server.url, startup: 'require' });
const clientOf = (app: TestingModule, name?: string) =>
  app.get<Redis>(getRedisToken(name), { strict: false });

@Injectable()
class OptionsMaker implements RedisOptionsFactory {
  createRedisOptions(): RedisModuleOptions {
    return options();
  }
}

@Module({ providers: [OptionsMaker], exports: [OptionsMaker] })
class OptionsModule {}

describe('RedisModule', () => {
  it('opens a connection with forRoot', async () => {
    const app = await boot(RedisModule.forRoot(options()));
    expect(await clientOf(app).ping()).toBe('PONG');
  });

  it.each<[string, () => RedisModuleAsyncOptions]>([
    ['useFactory', () => ({ useFactory: options })],
    ['an async useFactory', () => ({ useFactory: () => Promise.resolve(options()) })],
    [
      'useFactory with imports and inject',
      () => ({
        imports: [OptionsModule],
        inject: [OptionsMaker],
        useFactory: (maker: OptionsMaker) => maker.createRedisOptions(),
      }),
    ],
    [
      'useFactory with extraProviders',
      () => ({
        extraProviders: [{ provide: 'url', useValue: server.url }],
        inject: ['url'],
        useFactory: (url: string) => ({ url, startup: 'require' as const }),
      }),
    ],
    ['useClass', () => ({ useClass: OptionsMaker })],
    ['useExisting', () => ({ imports: [OptionsModule], useExisting: OptionsMaker })],
  ])('opens a connection with forRootAsync and %s', async (_, asyncOptions) => {
    const app = await boot(RedisModule.forRootAsync(asyncOptions()));
    expect(await clientOf(app).ping()).toBe('PONG');
  });

  it.each<RedisModuleAsyncOptions>([{}, { useFactory: () => ({}), useClass: OptionsMaker }])(
    'refuses forRootAsync unless it has exactly one source of options',
    (asyncOptions) => {
      expect(() => RedisModule.forRootAsync(asyncOptions)).toThrow(
        /exactly one of useFactory, useClass and useExisting/,
      );
    },
  );

  it('is configured in one line with redisConfig', async () => {
    process.env['REDIS_URL'] = server.url;
    process.env['REDIS_KEY_PREFIX'] = 'shop';
    process.env['REDIS_ENVIRONMENT'] = 'test';
    try {
      const app = await boot(
        ConfigModule.forRoot({ isGlobal: true, ignoreEnvFile: true, load: [redisConfig] }),
        RedisModule.forRootAsync({
          inject: [redisConfig.KEY],
          useFactory: (config: RedisModuleOptions) => config,
        }),
      );
      expect(app.get(KeyBuilder, { strict: false }).userKey(1)).toBe('user:shop:test:1');
      expect(await clientOf(app).ping()).toBe('PONG');
    } finally {
      delete process.env['REDIS_URL'];
      delete process.env['REDIS_KEY_PREFIX'];
      delete process.env['REDIS_ENVIRONMENT'];
    }
  });

  it('makes everything injectable, by decorator and by class', async () => {
    @Injectable()
    class Consumer {
      constructor(
        @InjectRedis() readonly redis: Redis,
        @InjectKeyBuilder() readonly keys: KeyBuilder,
        @InjectRedisOptions() readonly resolved: ResolvedRedisOptions,
        @InjectRedisPool() readonly pool: RedisPool,
        readonly keysByClass: KeyBuilder,
        readonly poolByClass: RedisPool,
      ) {}
    }
    @Module({ providers: [Consumer] })
    class FeatureModule {}

    const app = await boot(RedisModule.forRoot(options()), FeatureModule);
    const consumer = app.get(Consumer, { strict: false });
    expect(await consumer.redis.ping()).toBe('PONG');
    expect(consumer.keysByClass).toBe(consumer.keys);
    expect(consumer.poolByClass).toBe(consumer.pool);
    expect(consumer.resolved.commandTimeoutMs).toBe(5_000);
    expect(await consumer.pool.use((client) => client.ping())).toBe('PONG');
  });

  it('serves several named connections through forRootAsync', async () => {
    const app = await boot(
      RedisModule.forRootAsync({ useFactory: options }),
      RedisModule.forRootAsync({
        name: 'sessions',
        useFactory: () => ({ ...options(), db: 1, app: 'other' }),
      }),
    );
    await clientOf(app).set('k', 'default');
    await clientOf(app, 'sessions').set('k', 'sessions');
    expect(await clientOf(app).get('k')).toBe('default');
    const keys = app.get<KeyBuilder>(getKeyBuilderToken('sessions'), { strict: false });
    expect(keys.app).toBe('other');
    expect(app.get<unknown>(getRedisPoolToken('sessions'), { strict: false })).toBeDefined();
    expect(app.get<unknown>(getRedisOptionsToken('sessions'), { strict: false })).toMatchObject({
      name: 'sessions',
      db: 1,
    });
  });

  it('refuses two connections with the same name', async () => {
    const error = await caught(
      boot(RedisModule.forRoot(options()), RedisModule.forRoot({ ...options(), db: 1 })),
    );
    expect(error.message).toMatch(/name=default: a name that no other RedisModule/);
  });

  it('is visible only to the importing module if it is not global', async () => {
    @Injectable()
    class Consumer {
      constructor(@InjectRedis() readonly redis: Redis) {}
    }
    @Module({ providers: [Consumer] })
    class FeatureModule {}
    @Module({ imports: [RedisModule.forRoot({ isGlobal: false })] })
    class OtherModule {}

    const compiling = Test.createTestingModule({ imports: [OtherModule, FeatureModule] })
      .overrideProvider(getRedisToken())
      .useValue({})
      .compile();
    expect((await caught(compiling)).message).toMatch(/resolve dependencies/);
  });

  it('is connected in every hook if startup waits', async () => {
    const seen: string[] = [];
    @Injectable()
    class Early implements OnModuleInit {
      constructor(@InjectRedis() private readonly redis: Redis) {
        seen.push(`constructor: ${redis.status}`);
      }
      async onModuleInit() {
        seen.push(`onModuleInit: ${await this.redis.ping()}`);
      }
    }
    @Module({ providers: [Early] })
    class FeatureModule {}
    await boot(RedisModule.forRoot(options()), FeatureModule);
    expect(seen).toEqual(['constructor: ready', 'onModuleInit: PONG']);
  });

  it("can be used in onModuleInit with startup 'background' too: commands wait for the connection", async () => {
    let reply: string | undefined;
    @Injectable()
    class Early implements OnModuleInit {
      constructor(@InjectRedis() private readonly redis: Redis) {}
      async onModuleInit() {
        reply = await this.redis.ping();
      }
    }
    @Module({ providers: [Early] })
    class FeatureModule {}
    await boot(RedisModule.forRoot({ ...options(), startup: 'background' }), FeatureModule);
    expect(reply).toBe('PONG');
  });

  it.each(['background', 'wait', 'require'] as const)(
    "fails the boot on a wrong configuration with startup '%s'",
    async (startup) => {
      const error = await caught(boot(RedisModule.forRoot({ port: 0, db: -1, startup })));
      expect(error).toMatchObject({ name: 'RedisConfigurationException' });
      expect(error.message).toMatch(/port=0.*\n.*db=-1/);
    },
  );
});

describe('lifecycle', () => {
  it('closes every connection of its application, and only those', async () => {
    const first = await boot(
      RedisModule.forRoot(options()),
      RedisModule.forRoot({ ...options(), name: 'second' }),
    );
    const other = await boot(RedisModule.forRoot(options()));
    const pool = first.get<RedisPool>(getRedisPoolToken(), { strict: false });
    const pooled = await pool.use(async (client) => {
      await client.ping();
      return client;
    });

    await apps.splice(apps.indexOf(first), 1)[0]?.close();

    const closed = [clientOf(first), clientOf(first, 'second'), pooled];
    expect(closed.map((client) => client.status)).toEqual(['end', 'end', 'end']);
    expect(await clientOf(other).ping()).toBe('PONG');
  });

  it('leaves open a client that the application passed in', async () => {
    const foreign = { status: 'ready', quit: () => Promise.reject(new Error('not yours')) };
    const app = await Test.createTestingModule({ imports: [RedisModule.forRoot(options())] })
      .overrideProvider(getRedisToken())
      .useValue(foreign)
      .compile();
    await app.init();
    await app.close();
    expect(foreign.status).toBe('ready');
  });

  it.each<[string, () => RedisModuleOptions | Promise<RedisModuleOptions>]>([
    ['is wrongly configured', () => ({ port: -1 })],
    [
      'cannot be reached',
      () => ({ host: '127.0.0.1', port: 1, startup: 'require', startupTimeout: '100ms' }),
    ],
  ])('leaves no connection open when another one %s', async (_, second) => {
    const proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const connected = async () => {
      while (proxy.connections === 0) await new Promise(setImmediate);
    };
    const booting = boot(
      RedisModule.forRoot({ host, port, startup: 'require' }),
      RedisModule.forRootAsync({
        name: 'second',
        useFactory: async () => {
          await connected();
          return second();
        },
      }),
    );
    expect((await caught(booting)).name).toMatch(/^Redis(Configuration|Connection)Exception$/);
    while (proxy.connections > 0) await new Promise(setImmediate);
    await proxy.stop();
  });

  it('opens no socket when the client is overridden', async () => {
    let accepted = 0;
    const listener = createServer(() => accepted++);
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    const { port } = listener.address() as AddressInfo;
    const fake = { get: () => Promise.resolve('fake') };
    const app = await Test.createTestingModule({
      imports: [RedisModule.forRoot({ host: '127.0.0.1', port, startup: 'wait' })],
    })
      .overrideProvider(getRedisToken())
      .useValue(fake)
      .compile();
    await app.init();
    expect(await clientOf(app).get('k')).toBe('fake');
    await app.close();
    expect(accepted).toBe(0);
    await new Promise((resolve) => listener.close(resolve));
  });
});
