import { Cluster, Redis } from 'ioredis';
import type { RedisClient } from '../../../../src/connection/options/options.js';
import { openConnection } from '../open-connection.js';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Where each node of a server is reached: in the first way by proxy, in the second straight. */
export interface Addresses {
  readonly proxies: readonly Address[];
  readonly nodes: readonly Address[];
}

export interface Clients {
  /** As the library opens one, behind the proxies. */
  readonly supervised: RedisClient;
  /** A plain one behind the proxies: what it has sent and was not answered it sends again, for ever. */
  readonly plain: RedisClient;
  /** Not behind a proxy. */
  readonly straight: RedisClient;
  close(): Promise<void>;
}

/** The clients of one process or thread of a history, to a cluster if there are several nodes. */
export async function openClients({ proxies, nodes }: Addresses): Promise<Clients> {
  const isCluster = nodes.length > 1;
  const [proxy] = proxies;
  const [node] = nodes;
  if (!proxy || !node) throw new Error('there is no server');
  const natMap = Object.fromEntries(
    nodes.map(({ host, port }, i) => [`${host}:${port}`, proxies[i] as Address]),
  );
  const { client: supervised, close } = await openConnection(
    isCluster
      ? { clusterNodes: proxies, ioredisCluster: { natMap } }
      : { host: proxy.host, port: proxy.port },
  );
  // As ioredis does it by itself.
  const patient = { maxRetriesPerRequest: null, retryStrategy: () => 20 };
  const plain: RedisClient = isCluster
    ? new Cluster([...proxies], { natMap, redisOptions: patient, clusterRetryStrategy: () => 20 })
    : new Redis({ ...proxy, ...patient });
  const straight = isCluster ? new Cluster([...nodes]) : new Redis({ ...node, ...patient });
  for (const client of [plain, straight]) {
    client.on('error', () => undefined);
    client.on('+node', toleratesBrokenAsking);
  }
  return {
    supervised,
    plain,
    straight,
    close: async () => {
      plain.disconnect();
      straight.disconnect();
      await close();
    },
  };
}

/** ioredis sends ASKING with a redirected command and ignores it: also that it was rejected. */
function toleratesBrokenAsking(node: Redis): void {
  const asking = node.asking.bind(node);
  node.asking = () => {
    const asked = asking();
    asked.catch(() => undefined);
    return asked;
  };
}
