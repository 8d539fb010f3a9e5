import { afterAll, beforeAll, describe } from '@jest/globals';
import { KeyBuilder, RedisRepository, type RedisRepositoryOptions } from '../../../src/index.js';
import { startCluster, startRedis } from '../../../src/testing/index.js';
import { EmbeddedTestServer } from '../../../src/testing/embedded-test-server.js';
import type { EntityClass } from '../../../src/repository/entity/entity-schema.js';
import { describeWithRealRedis } from '../../../../../test/support/real-redis.js';
import type { RedisClient } from '../../../src/connection/options/options.js';
import { openConnection, type OpenConnection } from './open-connection.js';

/** Where the tests of a suite run, and what they make there. */
export interface Stage {
  readonly client: RedisClient;
  /** One more, for whoever shall not share reads with the first. */
  open(): Promise<RedisClient>;
  /** Keys of a space of its own. */
  keys(): KeyBuilder;
  repository<T extends object>(
    entity: EntityClass<T>,
    options?: RedisRepositoryOptions,
  ): RedisRepository<T>;
}

let spaces = 0;

/** The same suite on one server and on a cluster, where ids and indexes live in different slots. */
export function onEveryTopology(suite: (stage: Stage) => void): void {
  onOneServer(suite);
  onCluster(suite);
}

export function onOneServer(suite: (stage: Stage) => void): void {
  describe('on one server', () => {
    suite(
      stageOn(async () => {
        const server = await startRedis();
        return { options: { url: server.url }, stop: () => server.stop() };
      }),
    );
  });
}

/** Also where there is a real one. */
export function onEmbeddedServer(suite: (stage: Stage) => void): void {
  describe('on the embedded server', () => {
    suite(
      stageOn(async () => {
        const server = await EmbeddedTestServer.start(undefined);
        return { options: { url: server.url }, stop: () => server.stop() };
      }),
    );
  });
}

export function onCluster(suite: (stage: Stage) => void): void {
  describeWithRealRedis('on a cluster', () => {
    suite(
      stageOn(async () => {
        const cluster = await startCluster({ replicas: false });
        const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
        return { options: { clusterNodes }, stop: () => cluster.stop() };
      }),
    );
  });
}

type Options = Parameters<typeof openConnection>[0];

function stageOn(start: () => Promise<{ options: Options; stop: () => Promise<void> }>): Stage {
  let server: Awaited<ReturnType<typeof start>>;
  const connections: OpenConnection[] = [];
  const open = async () => {
    const connection = await openConnection(server.options);
    connections.push(connection);
    return connection.client;
  };
  beforeAll(async () => {
    server = await start();
    await open();
  });
  afterAll(async () => {
    await Promise.all(connections.map((connection) => connection.close()));
    await server.stop();
  });
  const first = () => {
    const [connection] = connections;
    if (!connection) throw new Error('the suite has not begun yet');
    return connection.client;
  };
  const keys = () => new KeyBuilder({ app: 'test', environment: `space${++spaces}` });
  return {
    get client() {
      return first();
    },
    open,
    keys,
    repository: (entity, options) => new RedisRepository(first(), keys(), entity, options),
  };
}
