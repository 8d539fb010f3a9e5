import { startSentinel, type RedisTestServer } from 'nestjs-redis-data/testing';

import { ask, askInfo } from '../ask.js';
import { isComplete, restart, wire } from './node.js';
import type { Node, Topology } from './topology.js';

/**
 * Production intervals of the sentinels. They start with shorter ones, with which one of them may turn a
 * new primary into a replica again before another one has noticed the promotion.
 */
const PRODUCTION_PACE = ['INFO-PERIOD', '10000', 'PUBLISH-PERIOD', '2000'];

/** A server on a busy machine is not dead: only a fault of ours is a reason to replace it. */
const PATIENCE = ['down-after-milliseconds', '2000', 'failover-timeout', '10000'];

/**
 * The sentinels and the servers connect to each other directly. The application reaches all of them over
 * wires, which translate the answers of sentinels.
 */
export async function startSentinels(): Promise<Topology> {
  const { name, primary, replicas, sentinels, stop } = await startSentinel();
  await Promise.all(
    sentinels.flatMap((one) => [
      ask(one, 'SENTINEL', 'DEBUG', ...PRODUCTION_PACE),
      ask(one, 'SENTINEL', 'SET', name, ...PATIENCE),
    ]),
  );
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
        facts.every((fact) => isComplete(fact, 2)) &&
        nodes.every(({ server }, n) => ports.has(server.port) === (facts[n]?.['role'] === 'master'))
      );
    },
    stop: async () => {
      await Promise.all([...nodes, ...watchers].map(({ wire }) => wire.close()));
      await stop();
    },
  };
}
