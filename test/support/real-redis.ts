import { describe } from '@jest/globals';
import { REAL_REDIS } from './remedies.cjs';

/** Whether this machine has a real Redis server, as the global set-up found out. */
export const hasRealRedis = process.env[REAL_REDIS.variable] === 'yes';

/**
 * A suite that the embedded server cannot serve: topologies, faults, TLS, ACL. Without a real server it
 * is skipped, and the run says so at its end.
 */
export function describeWithRealRedis(name: string, suite: () => void): void {
  const choose = hasRealRedis ? describe : describe.skip;
  choose(`${name} ${REAL_REDIS.mark}`, suite);
}
