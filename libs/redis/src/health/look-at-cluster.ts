import type { Cluster, Redis } from 'ioredis';
import { addressOf } from '../connection/driver/primaries.js';
import { withDeadline } from '../time/deadline.js';
import { askTopology, type Asked } from './server-answers.js';
import { down, memoryFacts, type Down, type Findings } from './findings.js';
import type { ResolvedHealthOptions } from './health-options.js';
import { OUTAGES } from './health-words.js';
import { parseTopology, type Topology } from './judge-topology.js';
import { healthOf } from './look-at-server.js';

/**
 * Looks at every primary at the same time: one round trip to each. What some of them cannot do is a
 * reason to be degraded, what all of them cannot is an outage.
 */
export async function lookAtCluster(
  cluster: Cluster,
  options: ResolvedHealthOptions,
): Promise<Findings | Down> {
  const nodes = cluster.nodes('master');
  // One that has become a replica since then redirects commands: nothing is lost by it.
  const looking = { ...options, replica: true };
  const [topology, servers] = await Promise.all([
    nodes[0] && topologyOf({ client: cluster, node: nodes[0] }, options.timeoutMs),
    Promise.all(nodes.map((node) => healthOf({ client: cluster, node }, looking))),
  ]);
  const usable = servers.filter(({ problem }) => problem === undefined);
  if (usable.length === 0) return down(servers[0]?.problem ?? OUTAGES.noPrimary);
  const lost = lostPrimaries(cluster, nodes, topology);
  const primariesAway = servers.length - usable.length + lost;
  const { failedNodes } = topology ?? {};
  const reasons = new Set(usable.flatMap((server) => server.reasons));
  if (primariesAway > 0) reasons.add('serversAway');
  if (failedNodes !== undefined && failedNodes > 0) reasons.add('failedNodes');
  const notChecked = new Set(usable.flatMap((server) => server.notChecked));
  if (failedNodes === undefined) notChecked.add('cluster');
  const facts = {
    primaries: servers.length + lost,
    primariesAway,
    ...(failedNodes !== undefined && { failedNodes }),
    slotsNotServed: Math.max(...usable.map(({ slotsNotServed = 0 }) => slotsNotServed)),
    ...memoryFacts(usable),
  };
  return { reasons: [...reasons], notChecked: [...notChecked], facts };
}

async function topologyOf(asked: Asked, timeoutMs: number): Promise<Topology | undefined> {
  const answer = await withDeadline(askTopology(asked), timeoutMs, () => undefined);
  return answer === undefined ? undefined : parseTopology(answer);
}

/**
 * How many primaries work, but are out of our reach. ioredis forgets a node as soon as its connection
 * is lost, and its slots keep the address until a command for one of them has been redirected: where the
 * cluster itself has replaced that node, nothing is lost.
 */
function lostPrimaries(
  cluster: Cluster,
  nodes: readonly Redis[],
  topology: Topology | undefined,
): number {
  const connected = new Set(nodes.map(addressOf));
  const owners = new Set(cluster.slots.map((servers) => servers[0]));
  const working =
    topology && new Set([...topology.primaries].map((one) => reachedAs(cluster, one)));
  return [...owners].filter(
    (owner) => owner !== undefined && !connected.has(owner) && working?.has(owner) !== false,
  ).length;
}

/** Nodes know each other by addresses that `natMap` replaces for us, as those of the slots were. */
function reachedAs({ options: { natMap } }: Cluster, address: string): string {
  const mapped = typeof natMap === 'function' ? natMap(address) : natMap?.[address];
  return mapped ? `${mapped.host}:${mapped.port}` : address;
}
