import type { Redis } from 'ioredis';

/** ioredis keeps the process for two more seconds if a client that has ended is told to disconnect. */
export function hangUp(client: Redis): void {
  if (client.status !== 'end') client.disconnect();
}
