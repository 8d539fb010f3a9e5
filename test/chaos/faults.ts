import { setTimeout as sleep } from 'node:timers/promises';

import type { RedisTestServer } from 'nestjs-redis-data/testing';

import { ask, askInfo, until } from './ask.js';
import type { Chance } from './chance.js';
import type { LossKind } from './losses.js';
import { RECOVERY_MS, type Refusals } from './oracle.js';
import { moveSlots } from './reshard.js';
import type { Scene } from './scene.js';
import { TOPOLOGIES, type Node, type Topology, type TopologyName } from './topologies/topology.js';

export const FAULTS = [
  'kill',
  'freeze',
  'half-open',
  'reset',
  'latency',
  'flushall',
  'failover',
  'reshard',
  'full',
  'evict',
] as const;
export type FaultName = (typeof FAULTS)[number];

export interface Fault {
  /** Names the fault in the report. */
  readonly what: string;
  readonly on: readonly TopologyName[];
  /** Requests that the API may refuse from the beginning of the fault until it has recovered. */
  readonly refuses: Refusals;
  /** Writes that Redis may lose. */
  readonly loses: (topology: TopologyName) => LossKind;
  /** Does it, and resolves when everything has been repaired. */
  readonly run: (scene: Scene) => Promise<void>;
}

/** More than clients and the backlog of replication take, which cannot be evicted. */
const ROOM_BYTES = 3 * 1_024 * 1_024;
const BALLAST = 'x'.repeat(100 * 1_024);
const EVICTED_KEYS = 40;

const nothing = (): LossKind => 'none';
const replicated: readonly TopologyName[] = ['sentinel', 'cluster'];
const hasReplicas = (topology: TopologyName): boolean => replicated.includes(topology);

export const faults: Record<FaultName, Fault> = {
  kill: {
    what: 'a primary is killed, and comes back later',
    on: TOPOLOGIES,
    refuses: 'everything',
    loses: (topology) =>
      hasReplicas(topology) ? 'recent' : topology === 'standalone' ? 'none' : 'all',
    run: kill,
  },
  freeze: {
    what: 'a primary stops for some seconds, until it is replaced if possible, and continues',
    on: TOPOLOGIES,
    refuses: 'everything',
    loses: (topology) => (hasReplicas(topology) ? 'recent' : 'none'),
    run: freeze,
  },
  'half-open': {
    what: 'connections to a primary carry no more bytes; new ones work',
    on: TOPOLOGIES,
    refuses: 'everything',
    loses: nothing,
    run: loseConnections,
  },
  reset: {
    what: 'all connections to a primary are cut, several times; new ones work',
    on: TOPOLOGIES,
    refuses: 'everything',
    loses: nothing,
    run: cut,
  },
  latency: {
    what: 'every reply comes 100 to 200 ms later',
    on: TOPOLOGIES,
    refuses: 'nothing',
    loses: nothing,
    run: delay,
  },
  flushall: {
    what: 'all keys are deleted',
    on: TOPOLOGIES,
    refuses: 'nothing',
    loses: () => 'all',
    run: flush,
  },
  failover: {
    what: 'an operator makes a replica the primary',
    on: replicated,
    refuses: 'everything',
    loses: (topology) => (topology === 'sentinel' ? 'recent' : 'none'),
    run: failOver,
  },
  reshard: {
    what: 'slots that hold users are moved between primaries',
    on: ['cluster'],
    refuses: 'nothing',
    loses: nothing,
    run: moveSlots,
  },
  full: {
    what: 'the memory is full, and no key may be evicted',
    on: TOPOLOGIES,
    refuses: 'writes',
    loses: nothing,
    run: fillUp,
  },
  evict: {
    what: 'the memory is full, and keys are evicted at random',
    on: TOPOLOGIES,
    refuses: 'nothing',
    loses: () => 'all',
    run: evict,
  },
};

async function kill({ topology, chance, harms, isOver }: Scene): Promise<void> {
  const primary = await pickPrimary(topology, chance);
  harms(primary);
  await primary.server.kill();
  await primary.wire.close();
  if (hasReplicas(topology.name)) {
    await untilReplaced(topology, primary);
    isOver();
  }
  await sleep(chance.between(500, 1_500));
  await topology.restart(primary);
  isOver();
}

async function freeze({ topology, chance, harms, isOver }: Scene): Promise<void> {
  const primary = await pickPrimary(topology, chance);
  harms(primary);
  primary.server.freeze();
  if (hasReplicas(topology.name)) {
    await untilReplaced(topology, primary);
    isOver();
  }
  await sleep(chance.between(2_000, 3_000));
  primary.server.thaw();
  isOver();
}

async function loseConnections({ topology, chance, harms, isOver }: Scene): Promise<void> {
  const primary = await pickPrimary(topology, chance);
  harms(primary);
  primary.wire.loseConnections();
  isOver();
  await sleep(RECOVERY_MS + 1_500); // longer than it may take to notice
  primary.wire.cutLost();
}

async function cut({ topology, chance, isOver }: Scene): Promise<void> {
  for (let times = 0; times < 5; times++) {
    (await pickPrimary(topology, chance)).wire.cut();
    await sleep(chance.between(100, 500));
  }
  isOver();
}

async function delay({ topology, chance, isOver }: Scene): Promise<void> {
  const ms = chance.between(100, 200);
  for (const { wire } of topology.nodes) wire.delay(ms);
  await sleep(3_000);
  for (const { wire } of topology.nodes) wire.delay(0);
  isOver();
}

async function flush({ topology, isOver }: Scene): Promise<void> {
  for (const { server } of await topology.primaries()) await ask(server, 'FLUSHALL');
  isOver();
}

async function failOver({ topology, chance, isOver }: Scene): Promise<void> {
  const primary = await pickPrimary(topology, chance);
  await until('another server is the primary', async () => {
    const asked = topology.failOver(primary); // refused while one is under way; given up by a busy machine
    await asked.catch(() => undefined);
    return topology.isReplaced(primary);
  });
  isOver();
}

async function fillUp({ topology, isOver }: Scene): Promise<void> {
  const primaries = await topology.primaries();
  await configure(primaries, 'maxmemory', '100kb');
  await sleep(2_000);
  await configure(primaries, 'maxmemory', '0');
  isOver();
}

/** Big keys of ours take up the room, so that Redis chooses others to make place. */
async function evict({ topology, isOver }: Scene): Promise<void> {
  const primaries = await topology.primaries();
  await configure(primaries, 'maxmemory-policy', 'allkeys-random');
  await Promise.all(primaries.map(({ server }) => untilEvicted(server)));
  await configure(primaries, 'maxmemory-policy', 'noeviction');
  isOver();
}

async function untilEvicted(server: RedisTestServer): Promise<void> {
  const { used_memory: used } = await askInfo(server, 'memory');
  await ask(server, 'CONFIG', 'SET', 'maxmemory', String(Number(used) + ROOM_BYTES));
  const before = Number((await askInfo(server, 'stats'))['evicted_keys']);
  let n = 0;
  await until('keys were evicted', async () => {
    await ask(server, 'SET', `ballast:${n++}`, BALLAST, 'EX', '60'); // fails if it belongs to another node
    return Number((await askInfo(server, 'stats'))['evicted_keys']) >= before + EVICTED_KEYS;
  });
  await ask(server, 'CONFIG', 'SET', 'maxmemory', '0');
}

async function configure(nodes: readonly Node[], name: string, value: string): Promise<void> {
  await Promise.all(nodes.map(({ server }) => ask(server, 'CONFIG', 'SET', name, value)));
}

async function pickPrimary(topology: Topology, chance: Chance): Promise<Node> {
  return chance.pick(await topology.primaries());
}

function untilReplaced(topology: Topology, primary: Node): Promise<void> {
  return until('another server is the primary', () => topology.isReplaced(primary));
}
