import type { RedisTestServer } from 'nestjs-redis-data/testing';

import { Wire, type Translation } from '../wire.js';
import type { Node } from './topology.js';

/** Lays a wire to each server. */
export function wire(
  servers: readonly RedisTestServer[],
  translation?: Translation,
): Promise<Node[]> {
  return Promise.all(
    servers.map(async (server) => ({ server, wire: await Wire.to(server, translation) })),
  );
}

export async function restart({ server, wire }: Node): Promise<void> {
  await server.restart();
  await wire.open();
}

/** A primary has all its replicas, a replica is connected. */
export function isComplete(replication: Record<string, string>, replicas: number): boolean {
  return replication['role'] === 'master'
    ? replication['connected_slaves'] === String(replicas)
    : replication['master_link_status'] === 'up' && replication['master_sync_in_progress'] === '0';
}
