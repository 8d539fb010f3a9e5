/**
 * What libraries that open their own connections make of `ioredisOptionsOf`, on every topology that they
 * support: real queues, real WebSocket clients, real messages.
 */
import { once } from 'node:events';
import { Controller, Injectable, Module, type INestApplication } from '@nestjs/common';
import {
  ClientProxyFactory,
  MessagePattern,
  Payload,
  Transport,
  type RedisOptions as TransportOptions,
} from '@nestjs/microservices';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { Test } from '@nestjs/testing';
import { WebSocketGateway, WebSocketServer } from '@nestjs/websockets';
import { createAdapter } from '@socket.io/redis-adapter';
import { afterAll, afterEach, beforeAll, expect, it } from '@jest/globals';
import { Queue, Worker } from 'bullmq';
import { Cluster, Redis } from 'ioredis';
import { startCluster, startRedis, startSentinel } from 'nestjs-redis-data/testing';
import { firstValueFrom } from 'rxjs';
import { io } from 'socket.io-client';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { waitUntil } from '../../src/testing/wait-until.js';
import {
  getRedisOptionsToken,
  InjectRedisOptions,
  type IoredisOptions,
  ioredisOptionsOf,
  type RedisAddress,
  RedisModule,
  type RedisModuleOptions,
  type ResolvedRedisOptions,
} from '../../src/index.js';

const TOPOLOGIES = ['standalone', 'TLS', 'sentinel', 'cluster'] as const;
type Topology = (typeof TOPOLOGIES)[number] | 'node of a cluster';

const options = {} as Record<Topology, RedisModuleOptions>;
let otherNode: Partial<RedisAddress>;
const servers: { stop(): Promise<void> }[] = [];
const cleanups: (() => unknown)[] = [];

beforeAll(async () => {
  const started = await Promise.all([
    startRedis({ password: 'right' }),
    startRedis({ tls: true }),
    startSentinel(),
    startCluster({ replicas: false }),
  ]);
  servers.push(...started);
  const [standalone, tls, sentinel, cluster] = started;
  options.standalone = { url: standalone.url, db: 3 };
  options.TLS = { url: tls.url, tls: { ca: tls.tls?.ca } };
  options.sentinel = { sentinels: addressesOf(sentinel.sentinels), sentinelName: sentinel.name };
  options['node of a cluster'] = { ...addressesOf(cluster.nodes)[0] };
  otherNode = { ...addressesOf(cluster.nodes)[1] };
  options.cluster = { clusterNodes: addressesOf(cluster.nodes) };
});
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});
afterAll(() => Promise.all(servers.map((server) => server.stop())));

function addressesOf(nodes: readonly { host: string; port: number }[]) {
  return nodes.map(({ host, port }) => ({ host, port }));
}

/** A client of one's own, as the guide makes it. */
function open(redis: IoredisOptions): Redis | Cluster {
  return redis.kind === 'cluster'
    ? new Cluster(redis.nodes, redis.options)
    : new Redis(redis.options);
}

/** An application that opens its own connection only if a provider injects it. */
async function startApp(topology: Topology, providers: object[] = [], controllers: object[] = []) {
  @Module({
    imports: [RedisModule.forRoot(options[topology])],
    providers: providers as [],
    controllers: controllers as [],
  })
  class AppModule {}
  const module = await Test.createTestingModule({ imports: [AppModule] }).compile();
  const app = module.createNestApplication({ logger: false });
  cleanups.push(() => app.close());
  return app;
}

function optionsIn(app: INestApplication): ResolvedRedisOptions {
  return app.get(getRedisOptionsToken());
}

describeWithRealRedis('ioredisOptionsOf', () => {
  it('accepts the injected options, and describes itself', async () => {
    @Injectable()
    class Mails {
      constructor(@InjectRedisOptions() readonly options: ResolvedRedisOptions) {}
    }
    const app = await startApp('standalone', [Mails]);
    const { options: injected } = app.get(Mails);
    expect(injected).toBe(optionsIn(app));
    expect(ioredisOptionsOf(injected).kind).toBe('standalone');
  });
});

describeWithRealRedis('BullMQ', () => {
  it.each(TOPOLOGIES)('processes jobs: %s', async (topology) => {
    const app = await startApp(topology);
    const connect = () => {
      const redis = ioredisOptionsOf(optionsIn(app), { maxRetriesPerRequest: null });
      if (redis.kind !== 'cluster') return redis.options;
      const cluster = open(redis);
      cleanups.push(() => {
        cluster.disconnect();
      });
      return cluster;
    };
    const prefix = '{bull}'; // in a cluster the keys of a queue have to be together
    const queue = new Queue<number, number>('double', { connection: connect(), prefix });
    const worker = new Worker<number, number>('double', (job) => Promise.resolve(job.data * 2), {
      connection: connect(),
      prefix,
    });
    cleanups.push(
      () => queue.close(),
      () => worker.close(true),
    );
    const completed = once(worker, 'completed');
    await queue.add('double', 21);
    const [, result] = (await completed) as [unknown, number];
    expect(result).toBe(42);
  });
});

describeWithRealRedis('A socket.io adapter', () => {
  class RedisIoAdapter extends IoAdapter {
    readonly #clients: readonly [Redis | Cluster, Redis | Cluster];

    constructor(app: INestApplication) {
      super(app);
      const redis = ioredisOptionsOf(optionsIn(app));
      this.#clients = [open(redis), open(redis)];
    }

    override createIOServer(...args: Parameters<IoAdapter['createIOServer']>) {
      return super.createIOServer(...args).adapter(createAdapter(...this.#clients));
    }

    /** After the servers have said good-bye. */
    override async dispose(): Promise<void> {
      await super.dispose();
      await Promise.all(this.#clients.map((client) => client.quit()));
    }
  }

  @WebSocketGateway()
  class News {
    @WebSocketServer() server!: {
      emit(event: string, text: string): void;
      serverSideEmitWithAck(event: string): Promise<unknown[]>;
      on(event: string, answer: (done: (reply: string) => void) => void): void;
    };
  }

  it.each(TOPOLOGIES)('reaches the clients of another instance: %s', async (topology) => {
    const apps = await Promise.all([startApp(topology, [News]), startApp(topology, [News])]);
    for (const app of apps) {
      app.useWebSocketAdapter(new RedisIoAdapter(app));
      await app.listen(0, '127.0.0.1');
    }
    const [here, there] = apps;
    there.get(News).server.on('ping', (done) => {
      done('pong');
    });
    // Its answer proves that the other instance has subscribed.
    await waitUntil('the instances know each other', async () => {
      const answers = await here.get(News).server.serverSideEmitWithAck('ping');
      return answers.length === 1;
    });
    const client = io(await there.getUrl(), { transports: ['websocket'] });
    cleanups.push(() => client.disconnect());
    await once(client as never, 'connect');
    const heard = once(client as never, 'news');
    here.get(News).server.emit('news', 'hello');
    expect(await heard).toEqual(['hello']);
  });
});

describeWithRealRedis('The Redis transport of Nest', () => {
  @Controller()
  class Sums {
    @MessagePattern('sum')
    sum(@Payload() numbers: number[]): number {
      return numbers.reduce((sum, number) => sum + number, 0);
    }
  }

  // It makes `new Redis(options)`: there is no cluster for it, but what one node publishes reaches all.
  it.each(['standalone', 'TLS', 'sentinel', 'node of a cluster'] as const)(
    'sends a request and gets its answer: %s',
    async (topology) => {
      const app = await startApp(topology, [], [Sums]);
      const redis = ioredisOptionsOf(optionsIn(app));
      if (redis.kind === 'cluster') throw new Error('a cluster');
      const transport = {
        transport: Transport.REDIS as const,
        options: redis.options as NonNullable<TransportOptions['options']>,
      };
      app.connectMicroservice(transport);
      await app.startAllMicroservices();
      await app.init();
      const clientOptions = {
        ...transport.options,
        ...(topology === 'node of a cluster' && otherNode),
      };
      const client = ClientProxyFactory.create({ ...transport, options: clientOptions });
      cleanups.push(() => client.close());
      await client.connect();
      expect(await firstValueFrom(client.send<number>('sum', [1, 2, 3]))).toBe(6);
    },
  );
});
