import type { Redis } from 'ioredis';

import { Outbox } from '../../libs/redis/src/cache/outage/outbox.js';

/** How many invalidations of the caches of a connection Redis has not acknowledged to this process. */
export function pendingInvalidations(client: Redis): number {
  return Outbox.of(client).size;
}
