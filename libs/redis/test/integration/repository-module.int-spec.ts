import { Injectable, Module } from '@nestjs/common';
import { Test, type TestingModule } from '@nestjs/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Redis } from 'ioredis';
import {
  EntityId,
  getRedisRepositoryToken,
  getRedisToken,
  Indexed,
  InjectRedisRepository,
  RedisEntity,
  RedisModule,
  RedisRepository,
  type EntityRepository,
} from 'nestjs-redis-data';
import { startFaultProxy, startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';
import { caught } from './support/caught.js';
import { Customer, customer } from './support/customer.js';
import { InMemoryRepository } from './support/in-memory-repository.js';

@RedisEntity({ kind: 'visit' })
class Visit {
  @EntityId() id!: string;
  @Indexed() page!: string;
}

class VisitRepository extends RedisRepository<Visit> {
  static readonly entity = Visit;

  ofPage(page: string): Promise<Visit[]> {
    return this.findBy({ page });
  }
}

@Injectable()
class Shop {
  constructor(
    @InjectRedisRepository(Customer) readonly customers: EntityRepository<Customer>,
    readonly visits: VisitRepository,
  ) {}
}

let server: RedisTestServer;
beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

const apps: TestingModule[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

type Override = (builder: ReturnType<typeof Test.createTestingModule>) => unknown;

async function boot(
  imports: NonNullable<Parameters<typeof Test.createTestingModule>[0]['imports']>,
  override: Override = () => undefined,
) {
  const builder = Test.createTestingModule({ imports });
  override(builder);
  const app = await builder.compile();
  apps.push(app);
  await app.init();
  return app;
}

const root = (environment: string) =>
  RedisModule.forRoot({ url: server.url, app: 'shop', environment, startup: 'require' });

@Module({
  imports: [RedisModule.forFeature([Customer, VisitRepository])],
  providers: [Shop],
  exports: [Shop],
})
class ShopModule {}

describe('RedisModule.forFeature', () => {
  it('makes repositories of entities and your own repositories injectable', async () => {
    const app = await boot([root('one'), ShopModule]);
    const { customers, visits } = app.get(Shop, { strict: false });
    expect(customers).toBeInstanceOf(RedisRepository);
    expect(visits).toBeInstanceOf(VisitRepository);
    await customers.save(customer(1));
    await visits.save({ id: '1', page: '/' });
    expect(await customers.findOneBy({ email: '1@example.com' })).toEqual(customer(1));
    expect((await visits.ofPage('/')).map(({ id }) => id)).toEqual(['1']);
    const client = app.get<Redis>(getRedisToken(), { strict: false });
    expect(await client.exists('customer:shop:one:c1')).toBe(1);
    const token = getRedisRepositoryToken(VisitRepository);
    expect(app.get(token, { strict: false })).toBe(visits);
  });

  it('serves each feature module that uses the same entities', async () => {
    @Injectable()
    class Other {
      constructor(@InjectRedisRepository(Customer) readonly customers: RedisRepository<Customer>) {}
    }
    @Module({ imports: [RedisModule.forFeature([Customer])], providers: [Other] })
    class OtherModule {}
    const app = await boot([root('two'), ShopModule, OtherModule]);
    const other = app.get(Other, { strict: false });
    await app.get(Shop, { strict: false }).customers.save(customer(2));
    expect(await other.customers.getById('c2')).toEqual(customer(2));
  });

  it('uses the default TTL of the connection unless the class has one', async () => {
    const app = await boot([
      RedisModule.forRoot({ url: server.url, environment: 'ttl', defaultTtl: '5m' }),
      ShopModule,
    ]);
    const { customers, visits } = app.get(Shop, { strict: false });
    await customers.save(customer(1));
    await visits.save({ id: '1', page: '/' });
    const client = app.get<Redis>(getRedisToken(), { strict: false });
    const [customerKey] = await client.keys('customer:*:ttl:c1');
    const [visitKey] = await client.keys('visit:*:ttl:1');
    expect(await client.pttl(String(visitKey))).toBeLessThanOrEqual(300_000);
    expect(await client.pttl(String(customerKey))).toBeGreaterThan(3_500_000);
  });

  it('uses the connection with the given name', async () => {
    @Injectable()
    class Archive {
      constructor(
        @InjectRedisRepository(Customer) readonly now: RedisRepository<Customer>,
        @InjectRedisRepository(Customer, 'archive') readonly then: RedisRepository<Customer>,
        @InjectRedisRepository(VisitRepository, 'archive') readonly visits: VisitRepository,
      ) {}
    }
    @Module({
      imports: [
        RedisModule.forFeature([Customer]),
        RedisModule.forFeature([Customer, VisitRepository], 'archive'),
      ],
      providers: [Archive],
    })
    class ArchiveModule {}
    const { url } = server;
    const app = await boot([
      root('now'),
      RedisModule.forRootAsync({
        name: 'archive',
        useFactory: () => ({ url, app: 'shop', environment: 'then' }),
      }),
      ArchiveModule,
    ]);
    const { now, then, visits } = app.get(Archive, { strict: false });
    await now.save(customer(1));
    await then.save(customer(2));
    await visits.save({ id: '1', page: '/' });
    expect([await now.count(), await then.count()]).toEqual([1, 1]);
    const client = app.get<Redis>(getRedisToken('archive'), { strict: false });
    expect(await client.exists('customer:shop:then:c2', 'visit:shop:then:1')).toBe(2);
  });

  it('can be replaced in tests, and then opens no connection', async () => {
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const double = new InMemoryRepository({
      entity: Customer,
      unique: [],
      ranges: [],
      now: () => 0,
    });
    const app = await boot([RedisModule.forRoot({ host, port }), ShopModule], (builder) =>
      builder
        .overrideProvider(getRedisToken())
        .useValue({})
        .overrideProvider(getRedisRepositoryToken(Customer))
        .useValue(double),
    );
    const { customers } = app.get(Shop, { strict: false });
    expect(customers).toBe(double);
    await customers.save(customer(1));
    expect(await customers.getById('c1')).toEqual(customer(1));
    expect(proxy.accepted).toBe(0);
  });

  it('refuses a class that is no entity when the module is declared, naming its position', () => {
    class NoEntity {
      id!: string;
    }
    expect(() => RedisModule.forFeature([Customer, NoEntity])).toThrow(/@RedisEntity of NoEntity/);
    expect(() => RedisModule.forFeature([undefined as never])).toThrow(/forFeature, item 1/);
    class NoStatic extends RedisRepository<Visit> {}
    expect(() => RedisModule.forFeature([NoStatic as never])).toThrow(/static NoStatic\.entity/);
  });

  it('refuses two classes with one kind on one connection when the application starts', async () => {
    @RedisEntity({ kind: 'visit' })
    class Rival {
      @EntityId() id!: string;
    }
    const { url } = server;
    const features = RedisModule.forFeature([VisitRepository, Rival]);
    const booting = boot([RedisModule.forRoot({ url }), features]);
    expect((await caught(booting)).message).toMatch(/kind=visit: a kind of its own/);
  });

  it('leaves no connection open when the application cannot start', async () => {
    @RedisEntity({ kind: 'visit' })
    class Rival {
      @EntityId() id!: string;
    }
    await using proxy = await startFaultProxy(server);
    const { host, port } = proxy;
    const opened: Redis[] = [];
    const watch = {
      provide: 'watch',
      inject: [getRedisToken()],
      useFactory: (client: Redis) => opened.push(client),
    };
    const imports = [
      RedisModule.forRoot({ host, port, startup: 'require' }),
      RedisModule.forFeature([VisitRepository, Rival]),
    ];
    await caught(Test.createTestingModule({ imports, providers: [watch] }).compile());
    const left = opened.filter(({ status }) => status !== 'end');
    for (const client of left) client.disconnect();
    expect(left).toEqual([]);
  });

  it('gives the class, not the connection, as the reason when an import is circular', () => {
    expect(() => InjectRedisRepository(undefined as never)).toThrow(/import each other/);
    expect(() => getRedisRepositoryToken(undefined as never)).toThrow(/import each other/);
  });
});
