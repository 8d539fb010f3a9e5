import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import {
  startCluster,
  startRedis,
  startSentinel,
  type RedisTestServer,
} from 'nestjs-redis-data/testing';

import { ask, askInfo } from './ask.js';
import { APP, PASSWORD } from './internals.js';
import { Wire } from './wire.js';

export const TOPOLOGIES = ['standalone', 'tls', 'sentinel', 'cluster'] as const;
export type TopologyName = (typeof TOPOLOGIES)[number];

/** A server that holds data, and the way to it. */
export interface Node {
  readonly server: RedisTestServer;
  readonly wire: Wire;
}

/** Redis as the application is told to use it. */
export interface Topology {
  readonly name: TopologyName;
  /** How the application finds it. */
  readonly env: Readonly<Record<string, string>>;
  readonly nodes: readonly Node[];
  primaries(): Promise<Node[]>;
  /** Whether this user is on this primary, or on what has taken its place. */
  isOn(primary: Node, user: string): Promise<boolean>;
  /** Starts a server that was killed again. */
  restart(node: Node): Promise<void>;
  /** Asks for a replica to take the place of this primary, in an orderly way, unless one has already. */
  failOver(primary: Node): Promise<void>;
  /** Whether all who are asked for it name another primary in the place of this one. */
  isReplaced(primary: Node): Promise<boolean>;
  /** Whether every server is there, in one role that all agree on, with replicas that have caught up. */
  isWhole(): Promise<boolean>;
  stop(): Promise<void>;
}

export function startTopology(name: TopologyName): Promise<Topology> {
  const starts = {
    standalone: startStandalone,
    tls: startTls,
    sentinel: startSentinels,
    cluster: startNodes,
  } satisfies Record<TopologyName, () => Promise<Topology>>;
  return starts[name]();
}

/** Every write is in the kernel's hands before it is acknowledged: what dies is the process only. */
async function startStandalone(): Promise<Topology> {
  const args = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
  return single('standalone', await startRedis({ password: PASSWORD, args }), {});
}

/** Nothing is persisted: a killed server comes back empty. */
async function startTls(): Promise<Topology> {
  const server = await startRedis({ password: PASSWORD, tls: true });
  const folder = await mkdtemp(join(tmpdir(), 'chaos-tls-'));
  const ca = join(folder, 'ca.pem');
  await writeFile(ca, server.tls?.ca ?? '');
  const topology = await single('tls', server, { REDIS_TLS_CA_FILE: ca });
  return {
    ...topology,
    stop: async () => {
      await topology.stop();
      await rm(folder, { recursive: true });
    },
  };
}

async function single(
  name: TopologyName,
  server: RedisTestServer,
  env: Readonly<Record<string, string>>,
): Promise<Topology> {
  const wire = await Wire.to(server);
  const node = { server, wire };
  const url = server.url.replace(String(server.port), String(wire.port));
  return {
    name,
    env: { ...env, REDIS_URL: url },
    nodes: [node],
    primaries: () => Promise.resolve([node]),
    isOn: () => Promise.resolve(true),
    restart,
    failOver: () => Promise.reject(new Error(`${name} has no replica`)),
    isReplaced: () => Promise.resolve(false),
    isWhole: async () => (await ask(server, 'PING')) === 'PONG',
    stop: async () => {
      await wire.close();
      await server.stop();
    },
  };
}

/**
 * How often sentinels look and tell each other. They are started at a quicker pace, at which one of them
 * makes a replica of a new primary again before another one has noticed that it was promoted.
 */
const PRODUCTION_PACE = ['INFO-PERIOD', '10000', 'PUBLISH-PERIOD', '2000'];

/**
 * The sentinels and the servers talk to each other directly. The application reaches all of them over
 * wires: what a sentinel tells it is translated.
 */
async function startSentinels(): Promise<Topology> {
  const { name, primary, replicas, sentinels, stop } = await startSentinel();
  await Promise.all(sentinels.map((one) => ask(one, 'SENTINEL', 'DEBUG', ...PRODUCTION_PACE)));
  const translation = new Map<number, number>();
  const nodes = await wire([primary, ...replicas]);
  const watchers = await wire(sentinels, translation);
  for (const { server, wire } of [...nodes, ...watchers]) translation.set(server.port, wire.port);
  const askAll = (...args: string[]): Promise<unknown[]> =>
    Promise.all(sentinels.map((sentinel) => ask(sentinel, 'SENTINEL', ...args)));
  const primaryPorts = async (): Promise<number[]> =>
    (await askAll('GET-MASTER-ADDR-BY-NAME', name)).map((at) => Number((at as string[])[1]));
  const primaries = async (): Promise<Node[]> => {
    const [port] = await primaryPorts();
    return nodes.filter(({ server }) => server.port === port);
  };
  return {
    name: 'sentinel',
    env: {
      REDIS_SENTINELS: watchers.map(({ wire }) => `${wire.host}:${wire.port}`).join(),
      REDIS_SENTINEL_NAME: name,
    },
    nodes,
    primaries,
    isOn: () => Promise.resolve(true),
    restart,
    failOver: async ({ server }) => {
      const [port] = await primaryPorts(); // of the sentinel that is asked
      if (port !== server.port) return;
      await ask(sentinels[0] as RedisTestServer, 'SENTINEL', 'FAILOVER', name);
    },
    isReplaced: async ({ server }) => (await primaryPorts()).every((port) => port !== server.port),
    isWhole: async () => {
      const ports = new Set(await primaryPorts());
      const facts = await Promise.all(nodes.map(({ server }) => askInfo(server, 'replication')));
      return (
        ports.size === 1 &&
        facts.filter(({ role }) => role === 'master').length === 1 &&
        facts.every((fact) => isComplete(fact, 2)) &&
        (await primaries()).every(
          ({ server }) => facts[indexOf(nodes, server)]?.['role'] === 'master',
        )
      );
    },
    stop: async () => {
      await Promise.all([...nodes, ...watchers].map(({ wire }) => wire.close()));
      await stop();
    },
  };
}

/** Each node announces the port of its wire, so that clients and replicas come that way. */
async function startNodes(): Promise<Topology> {
  const cluster = await startCluster();
  const nodes = await wire(cluster.nodes);
  const announce = ({ server, wire }: Node): Promise<unknown> =>
    ask(server, 'CONFIG', 'SET', 'cluster-announce-port', String(wire.port));
  await Promise.all(nodes.map(announce));
  const facts = (): Promise<Record<string, string>[]> =>
    Promise.all(nodes.map(({ server }) => askInfo(server, 'replication')));
  /** A primary and its replica, whichever of them is which now. */
  const pairOf = (node: Node): Node[] => {
    const pair = nodes.indexOf(node) % cluster.primaries.length;
    return nodes.filter((_, n) => n % cluster.primaries.length === pair);
  };
  return {
    name: 'cluster',
    env: { REDIS_CLUSTER_NODES: nodes.map(({ wire }) => `${wire.host}:${wire.port}`).join() },
    nodes,
    primaries: async () => {
      const roles = await facts();
      return nodes.filter((_, n) => roles[n]?.['role'] === 'master');
    },
    isOn: async (primary, user) => {
      const exists = pairOf(primary).map(({ server }) =>
        // Only the primary that has the slot does not say MOVED.
        ask(server, 'EXISTS', `user:${APP}:${APP}:${user}`).catch(() => 'MOVED'),
      );
      return (await Promise.all(exists)).some((reply) => reply !== 'MOVED');
    },
    restart: async (node) => {
      await restart(node);
      await announce(node);
    },
    failOver: async (primary) => {
      const { role } = await askInfo(primary.server, 'replication');
      if (role !== 'master') return;
      const replica = pairOf(primary).find((node) => node !== primary) as Node;
      await ask(replica.server, 'CLUSTER', 'FAILOVER');
    },
    isReplaced: async (primary) => {
      const others = nodes.filter((node) => node !== primary);
      const views = await Promise.all(others.map(({ server }) => ask(server, 'CLUSTER', 'NODES')));
      return views.every((view) => ownersOf(String(view), primary.wire.port) === 3);
    },
    isWhole: async () => {
      const roles = await facts();
      const infos = await Promise.all(nodes.map(({ server }) => ask(server, 'CLUSTER', 'INFO')));
      const views = await Promise.all(nodes.map(({ server }) => ask(server, 'CLUSTER', 'NODES')));
      return (
        roles.filter(({ role }) => role === 'master').length === 3 &&
        roles.every((fact) => isComplete(fact, 1)) &&
        infos.every((info) => String(info).includes('cluster_state:ok')) &&
        views.every((view) => nodes.every(({ wire }) => String(view).includes(`:${wire.port}@`)))
      );
    },
    stop: async () => {
      await Promise.all(nodes.map(({ wire }) => wire.close()));
      await cluster.stop();
    },
  };
}

async function restart({ server, wire }: Node): Promise<void> {
  await server.restart();
  await wire.open();
}

function wire(
  servers: readonly RedisTestServer[],
  translation?: ReadonlyMap<number, number>,
): Promise<Node[]> {
  return Promise.all(
    servers.map(async (server) => ({ server, wire: await Wire.to(server, translation) })),
  );
}

/** A primary has all its replicas, a replica is connected. */
function isComplete(replication: Record<string, string>, replicas: number): boolean {
  return replication['role'] === 'master'
    ? replication['connected_slaves'] === String(replicas)
    : replication['master_link_status'] === 'up' && replication['master_sync_in_progress'] === '0';
}

/** How many healthy primaries with slots there are in this view, without the one at `port`. */
function ownersOf(view: string, port: number): number {
  return view
    .split('\n')
    .map((line) => line.split(' '))
    .filter(([, address = '', flags = '', , , , , ...slots]) => {
      const isHealthy = flags.includes('master') && !flags.includes('fail');
      return isHealthy && slots.length > 1 && !address.includes(`:${port}@`);
    }).length;
}

function indexOf(nodes: readonly Node[], server: RedisTestServer): number {
  return nodes.findIndex((node) => node.server === server);
}
