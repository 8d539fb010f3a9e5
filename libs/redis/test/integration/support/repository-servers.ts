import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe } from '@jest/globals';
import { KeyBuilder, RedisRepository, type RedisRepositoryOptions } from '../../../src/index.js';
import { startCluster, startRedis } from '../../../src/testing/index.js';
import { EmbeddedTestServer } from '../../../src/testing/embedded-test-server.js';
import type { EntityClass } from '../../../src/repository/entity/entity-schema.js';
import { describeWithRealRedis } from '../../../../../test/support/real-redis.js';
import type { RedisAddress, RedisClient } from '../../../src/connection/options/options.js';
import { openConnection, type OpenConnection } from './open-connection.js';

/** The server of a suite, and the objects that its tests make. */
export interface Stage {
  readonly client: RedisClient;
  /** Opens a further client, which does not share reads with the first. */
  open(): Promise<RedisClient>;
  /** Makes keys in a namespace of their own. */
  keys(): KeyBuilder;
  repository<T extends object>(
    entity: EntityClass<T>,
    options?: RedisRepositoryOptions,
  ): RedisRepository<T>;
}

/** Tests share the cluster of the run, so a space of keys is named by no counter. */
const newSpace = () => `space-${randomUUID()}`;

export interface StageNeeds {
  /** For suites that configure or harm the servers: a cluster that no other suite uses. */
  readonly ownCluster?: boolean;
}

/** The same suite on one server and on a cluster, where ids and indexes live in different slots. */
export function onEveryTopology(suite: (stage: Stage) => void, needs?: StageNeeds): void {
  onOneServer(suite);
  onCluster(suite, needs);
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

/** The server of machines that have no other. */
export function onEmbeddedServer(suite: (stage: Stage) => void): void {
  describe('on the embedded server', () => {
    suite(
      stageOn(async () => {
        const server = await EmbeddedTestServer.start();
        return { options: { url: server.url }, stop: () => server.stop() };
      }),
    );
  });
}

export function onCluster(suite: (stage: Stage) => void, needs: StageNeeds = {}): void {
  describeWithRealRedis('on a cluster', () => {
    const shared = process.env['SHARED_CLUSTER'];
    const start = needs.ownCluster || shared === undefined ? startOwn : () => join(shared);
    suite(stageOn(start));
  });
}

async function startOwn(): Promise<Servers> {
  const cluster = await startCluster({ replicas: false });
  const clusterNodes = cluster.nodes.map(({ host, port }) => ({ host, port }));
  return { options: { clusterNodes }, stop: () => cluster.stop() };
}

/** @param nodes what test/support/start-shared-cluster.cjs has started for the whole run */
async function join(nodes: string): Promise<Servers> {
  const clusterNodes = JSON.parse(nodes) as RedisAddress[];
  return { options: { clusterNodes }, stop: async () => undefined };
}

interface Servers {
  readonly options: Parameters<typeof openConnection>[0];
  stop(): Promise<void>;
}

function stageOn(start: () => Promise<Servers>): Stage {
  let server: Servers;
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
  const keys = () => new KeyBuilder({ app: 'test', environment: newSpace() });
  return {
    get client() {
      return first();
    },
    open,
    keys,
    repository: (entity, options) => new RedisRepository(first(), keys(), entity, options),
  };
}
