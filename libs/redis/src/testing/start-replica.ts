import { realServerRequired, requireRedisServer } from './find-redis-server.js';
import { startRealServer, type RealTestServer } from './real-test-server.js';
import { sendCommand } from './redis-command.js';
import type { RedisTestServer } from './redis-test-server.js';
import { waitUntil } from './wait-until.js';

/**
 * Starts a read-only replica of `primary` and waits until it has the primary's data.
 *
 * @param primary from `startRedis()`; the replica gets the same password and TLS material
 * @throws RedisConfigurationException if there is no real server
 * @publicApi
 */
export async function startReplica(primary: RedisTestServer): Promise<RedisTestServer> {
  const { host, kind, password, port, tls } = primary;
  if (kind !== 'real') throw realServerRequired('startReplica()');
  const { path } = await requireRedisServer('startReplica()');
  const replica = await startRealServer({
    binary: path,
    args: () => ['--replicaof', host, String(port)], // two words: Redis 6 splits none
    password,
    tls,
  });
  await hasCaughtUp(replica, port);
  return replica;
}

async function hasCaughtUp(replica: RealTestServer, primaryPort: number): Promise<void> {
  try {
    await waitUntil(`the replica on port ${replica.port} follows port ${primaryPort}`, async () => {
      const info = await sendCommand(replica, 'INFO', 'replication');
      return String(info).includes('master_link_status:up');
    });
  } catch (error) {
    await replica.stop();
    throw error;
  }
}
