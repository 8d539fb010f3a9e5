import { describe } from '@jest/globals';
import { REAL_REDIS } from './remedies.cjs';

/** Whether this machine has a real Redis server, as the global set-up found out. */
export const hasRealRedis = process.env[REAL_REDIS.variable] === 'yes';

/**
 * Describes a suite that the embedded server cannot run: topologies, faults, TLS, ACL. Without a real
 * server it is skipped, and the end of the run says so.
 */
export function describeWithRealRedis(name: string, suite: () => void): void {
  const choose = hasRealRedis ? describe : describe.skip;
  choose(`${name} ${REAL_REDIS.mark}`, suite);
}
