import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { startRedis, type RedisTestServer } from 'nestjs-redis-data/testing';

import { ask } from '../ask.js';
import { PASSWORD } from '../internals.js';
import { Wire } from '../wire.js';
import { restart } from './node.js';
import type { Topology, TopologyName } from './topology.js';

/** Every write is in the kernel's hands before it is acknowledged: what dies is the process only. */
export async function startStandalone(): Promise<Topology> {
  const args = ['--appendonly', 'yes', '--appendfsync', 'everysec'];
  return single('standalone', await startRedis({ password: PASSWORD, args }), {});
}

/** Nothing is persisted: a killed server comes back empty. */
export async function startTls(): Promise<Topology> {
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
