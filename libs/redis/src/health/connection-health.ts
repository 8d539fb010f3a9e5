import type { Cluster, Redis } from 'ioredis';
import type { Connection } from '../connection/connection.js';
import { explainFailure } from '../connection/driver/failures/explain-failure.js';
import { addressOf } from '../connection/driver/primaries.js';
import { fullestOf, fullnessOf } from '../connection/server-memory.js';
import { withDeadline } from '../time/deadline.js';
import type { ResolvedHealthOptions } from './health-options.js';
import { OUTAGES, REASONS, type Check, type Reason } from './health-words.js';
import {
  judgeServer,
  parseTopology,
  ServerQuestions,
  type Answers,
  type ServerHealth,
  type Topology,
} from './server-answers.js';

/** The state of a connection, with the details for the report. */
export type ConnectionHealth =
  Down | { readonly state: 'up' | 'degraded'; readonly details: Readonly<Record<string, unknown>> };

/** A connection that cannot be used, and why. */
interface Down {
  readonly state: 'down';
  readonly message: string;
}

/** The view of the caches of a connection. */
export interface CachesHealth {
  /** The names of those that bypass Redis at the moment. */
  readonly bypassed: readonly string[];
  /** Why their near copies do not hear of changes; absent if they do, and while none has been used. */
  readonly nearOff?: string | undefined;
}

/**
 * Checks a connection: one round trip to its server, in a cluster to all primaries at the same time.
 * Takes no longer than the deadline, and never rejects.
 */
export async function lookAt(
  connection: Connection,
  options: ResolvedHealthOptions,
  { bypassed: bypassedCaches, nearOff }: CachesHealth,
): Promise<ConnectionHealth> {
  const { client } = connection;
  if (client.status !== 'ready') return notConnected(connection);
  const findings = await ('nodes' in client
    ? lookAtCluster(connection, client, options)
    : lookAtServer(connection, client, options));
  if ('state' in findings) return findings;
  const { facts, notChecked } = findings;
  const reasons = findings.reasons.map((reason) => REASONS[reason]);
  if (nearOff !== undefined) reasons.push(REASONS.near);
  if (bypassedCaches.length > 0) reasons.push(REASONS.caches);
  const details = {
    ...facts,
    ...(nearOff !== undefined && { nearOff }),
    ...(bypassedCaches.length > 0 && { bypassedCaches }),
    ...(notChecked.length > 0 && { notChecked }),
    ...(reasons.length > 0 && { reasons }),
  };
  return { state: reasons.length > 0 ? 'degraded' : 'up', details };
}

/** The code comes from the system, OpenSSL or Redis: it names no host, no user and no key. */
function notConnected({ client, failures }: Connection): Down {
  const failure = failures.worst;
  const code = failure && explainFailure(failure).code;
  const state = code === undefined ? client.status : `${client.status}, ${code}`;
  return down(`${OUTAGES.notConnected} (${state})`);
}

/** The state of a connection that can be used, at least in part. */
interface Findings {
  readonly reasons: readonly Reason[];
  readonly notChecked: readonly Check[];
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Checks a single server, or the one behind sentinels, in one round trip. */
async function lookAtServer(
  connection: Connection,
  server: Redis,
  options: ResolvedHealthOptions,
): Promise<Findings | Down> {
  const replica = options.replica ?? server.options.role === 'slave';
  const health = await healthOf(connection, undefined, { ...options, replica });
  if (health.problem !== undefined) return down(health.problem);
  const { role, replicas, reasons, notChecked } = health;
  const facts = {
    ...(role !== undefined && { role }),
    ...(replicas !== undefined && { replicas }),
    ...memoryFacts([health]),
  };
  return { reasons, notChecked, facts };
}

/**
 * Checks all primaries at the same time, in one round trip to each. A problem of some of them makes the
 * connection degraded, a problem of all of them makes it down.
 */
async function lookAtCluster(
  connection: Connection,
  cluster: Cluster,
  options: ResolvedHealthOptions,
): Promise<Findings | Down> {
  const nodes = cluster.nodes('master');
  // A primary that has become a replica meanwhile redirects commands, so it is no problem.
  const looking = { ...options, replica: true };
  const [topology, servers] = await Promise.all([
    nodes[0] && topologyOf(connection, nodes[0], options.timeoutMs),
    Promise.all(nodes.map((node) => healthOf(connection, node, looking))),
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

interface Looking extends ResolvedHealthOptions {
  readonly replica: boolean;
}

/** The health of one server, as far as its answers came in time. */
async function healthOf(
  connection: Connection,
  node: Redis | undefined,
  options: Looking,
): Promise<ServerHealth> {
  const answers = await withDeadline<Answers | undefined>(
    connection.part(ServerQuestions).ask(node),
    options.timeoutMs,
    () => undefined,
  );
  if (answers) return judgeServer(answers, options);
  return { problem: OUTAGES.late, reasons: [], notChecked: [] };
}

async function topologyOf(
  connection: Connection,
  node: Redis,
  timeoutMs: number,
): Promise<Topology | undefined> {
  const asking = connection.part(ServerQuestions).askTopology(node);
  const answer = await withDeadline(asking, timeoutMs, () => undefined);
  return answer === undefined ? undefined : parseTopology(answer);
}

/**
 * Counts the primaries that work but cannot be reached by this client. ioredis forgets a node when its
 * connection is lost. The slots of that node keep its address until a command for one of them is
 * redirected: if the cluster itself has replaced the node, it does not count.
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

/** `natMap` replaces the addresses that nodes know each other by; those of the slots are replaced already. */
function reachedAs({ options: { natMap } }: Cluster, address: string): string {
  const mapped = typeof natMap === 'function' ? natMap(address) : natMap?.[address];
  return mapped ? `${mapped.host}:${mapped.port}` : address;
}

/** The memory of the fullest server, for the report. */
function memoryFacts(servers: readonly ServerHealth[]): Readonly<Record<string, number>> {
  const fullest = fullestOf(servers.flatMap(({ memory }) => (memory ? [memory] : [])));
  if (!fullest) return {};
  const { usedBytes: usedMemoryBytes, limitBytes: maxMemoryBytes } = fullest;
  if (maxMemoryBytes === undefined) return { usedMemoryBytes };
  const memoryRatio = Math.round(fullnessOf(fullest) * 1_000) / 1_000;
  return { usedMemoryBytes, maxMemoryBytes, memoryRatio };
}

function down(message: string): Down {
  return { state: 'down', message };
}
