import { startCluster } from 'nestjs-redis-data/testing';

import { ask, askInfo } from '../ask.js';
import { APP } from '../internals.js';
import { isComplete, restart, wire } from './node.js';
import type { Node, Topology } from './topology.js';

/**
 * Each node announces the port of its wire, so that clients and replicas use it. A slow server on a busy
 * machine must not count as dead, and the first elections may fail there: a replica may stand again, even
 * if its primary has been away for long. Until one is elected the other nodes continue to serve their
 * slots, which is not the default of Redis.
 */
export async function startNodes(): Promise<Topology> {
  const cluster = await startCluster();
  const nodes = await wire(cluster.nodes);
  const configure = async ({ server, wire }: Node): Promise<void> => {
    await ask(server, 'CONFIG', 'SET', 'cluster-announce-port', String(wire.port));
    await ask(server, 'CONFIG', 'SET', 'cluster-node-timeout', '2000');
    await ask(server, 'CONFIG', 'SET', 'cluster-replica-validity-factor', '0');
    await ask(server, 'CONFIG', 'SET', 'cluster-require-full-coverage', 'no');
  };
  await Promise.all(nodes.map(configure));
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
        // Only the primary that has the slot does not answer MOVED.
        ask(server, 'EXISTS', `user:${APP}:${APP}:${user}`).catch(() => 'MOVED'),
      );
      return (await Promise.all(exists)).some((reply) => reply !== 'MOVED');
    },
    restart: async (node) => {
      await restart(node);
      await configure(node);
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
