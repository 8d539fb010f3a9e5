import { flagOf } from '../errors/flag-of.js';
import { refuseUnknownOptions } from '../errors/unknown-options.js';
import { requireRedisServer } from './find-redis-server.js';
import { randomPort } from '../embedded/server-process.js';
import { startRealServer, type RealTestServer } from './real-test-server.js';
import { sendCommand } from './redis-command.js';
import { startTogether, stopAll, type RedisTestServer } from './redis-test-server.js';
import { generateTlsMaterial } from './tls-material.js';
import { waitUntil } from './wait-until.js';

/** A Redis Cluster that belongs to one test. */
export interface RedisTestCluster extends AsyncDisposable {
  /** All nodes, primaries first. The roles are those at the start; a failover changes them. */
  readonly nodes: readonly RedisTestServer[];
  readonly primaries: readonly RedisTestServer[];
  /** `replicas[i]` follows `primaries[i]`. */
  readonly replicas: readonly RedisTestServer[];
  stop(): Promise<void>;
}

export interface StartClusterOptions {
  /** Whether each of the three primaries gets a replica. @default true */
  readonly replicas?: boolean;
  /** Whether the nodes speak TLS only, to clients and to each other. @default false */
  readonly tls?: boolean;
  /**
   * A name of this machine that the nodes announce to clients instead of their address, as managed services
   * do (needs Redis 7). With `tls` the certificate is valid for this name only.
   * @default none: the nodes announce their address
   */
  readonly hostname?: string;
  /** The password that clients must send. @default none */
  readonly password?: string;
}

const OPTIONS = {
  replicas: true,
  tls: true,
  hostname: true,
  password: true,
} as const satisfies Record<keyof StartClusterOptions, true>;

const PRIMARIES = 3;
const SLOTS = 16_384;
/** With this timeout a failover takes about 3 s. */
const NODE_TIMEOUT_MS = 1_000;

/**
 * Starts a cluster of three primaries and three replicas (about 2 s) that serves all slots.
 *
 * @throws RedisConfigurationException if there is no real server, and for an unknown option
 * @publicApi
 */
export async function startCluster(options: StartClusterOptions = {}): Promise<RedisTestCluster> {
  refuseUnknownOptions(options, OPTIONS, 'startCluster: ');
  const replicas = flagOf('startCluster: replicas', options.replicas, true);
  const tls = flagOf('startCluster: tls', options.tls, false);
  const { path, version } = await requireRedisServer('startCluster()');
  const nodes = await startNodes(path, version, { ...options, replicas, tls });
  const stop = (): Promise<void> => stopAll(nodes);
  try {
    await assemble(nodes);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    nodes,
    primaries: nodes.slice(0, PRIMARIES),
    replicas: nodes.slice(PRIMARIES),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function startNodes(
  binary: string,
  version: string,
  { replicas, tls, hostname, password }: StartClusterOptions,
): Promise<RealTestServer[]> {
  const canChooseBusPort = Number.parseInt(version, 10) >= 7;
  const names = hostname === undefined ? undefined : { names: [hostname], loopback: false };
  const material = tls ? generateTlsMaterial(names) : undefined;
  const announced = ['--cluster-preferred-endpoint-type', 'hostname'];
  return startTogether(replicas ? PRIMARIES * 2 : PRIMARIES, () =>
    startRealServer({
      binary,
      password,
      tls: material,
      args: () => [
        ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
        ...(tls ? ['--tls-cluster', 'yes'] : []),
        ...(hostname === undefined ? [] : ['--cluster-announce-hostname', hostname, ...announced]),
        ...(canChooseBusPort ? ['--cluster-port', String(randomPort())] : []),
      ],
    }),
  );
}

async function assemble(nodes: readonly RealTestServer[]): Promise<void> {
  await Promise.all(nodes.map((node, index) => takePart(node, index)));
  // Each node meets each other one: to find each other by gossip would take seconds.
  await Promise.all(nodes.flatMap((node) => nodes.map((other) => meet(node, other))));
  await waitUntil('all nodes know each other', async () => {
    const infos = await Promise.all(nodes.map((node) => sendCommand(node, 'CLUSTER', 'INFO')));
    return infos.every((info) => String(info).includes(`cluster_known_nodes:${nodes.length}\r`));
  });
  const ids = await Promise.all(nodes.map((node) => sendCommand(node, 'CLUSTER', 'MYID')));
  for (const [index, replica] of nodes.slice(PRIMARIES).entries()) {
    await waitUntil('a replica follows its primary', async () => {
      return (await sendCommand(replica, 'CLUSTER', 'REPLICATE', String(ids[index]))) === 'OK';
    });
  }
  await waitUntil('the cluster serves all slots', async () =>
    (await Promise.all(nodes.map((node, index) => serves(node, index, nodes.length)))).every(
      Boolean,
    ),
  );
}

async function meet(node: RealTestServer, other: RealTestServer): Promise<void> {
  if (node === other) return;
  const busPort = other.args[other.args.indexOf('--cluster-port') + 1];
  const hasBusPort = other.args.includes('--cluster-port') && busPort !== undefined;
  const address = [other.host, String(other.port), ...(hasBusPort ? [busPort] : [])];
  await sendCommand(node, 'CLUSTER', 'MEET', ...address);
}

/** Gives the node its own epoch, so that epochs do not collide, and a primary its slots. */
async function takePart(node: RealTestServer, index: number): Promise<void> {
  await sendCommand(node, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  if (index >= PRIMARIES) return;
  const first = Math.ceil((index * SLOTS) / PRIMARIES);
  const end = Math.ceil(((index + 1) * SLOTS) / PRIMARIES);
  const slots = Array.from({ length: end - first }, (_, offset) => String(first + offset));
  await sendCommand(node, 'CLUSTER', 'ADDSLOTS', ...slots);
}

async function serves(node: RealTestServer, index: number, count: number): Promise<boolean> {
  const [info, replication, topology] = await Promise.all([
    sendCommand(node, 'CLUSTER', 'INFO'),
    sendCommand(node, 'INFO', 'replication'),
    sendCommand(node, 'CLUSTER', 'NODES'),
  ]);
  const replicas = String(topology)
    .split('\n')
    .filter((line) => line.includes('slave')).length;
  return (
    String(info).includes('cluster_state:ok') &&
    replicas === count - PRIMARIES &&
    (index < PRIMARIES || String(replication).includes('master_link_status:up'))
  );
}
