import type { Redis } from 'ioredis';
import type { RedisClient } from '../../../src/connection/options/options.js';

/** The server, or each primary of a cluster. */
export function primariesOf(client: RedisClient): Redis[] {
  return 'nodes' in client ? client.nodes('master') : [client];
}
