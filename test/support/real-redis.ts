import { describe, it } from '@jest/globals';
import { REAL_REDIS } from './remedies.cjs';

/** Whether this machine has a real Redis server, as the global set-up found out. */
export const hasRealRedis = process.env[REAL_REDIS.variable] === 'yes';

/** Whether the server is Redis 6. */
export const isBefore7 = Number.parseInt(process.env['REAL_REDIS_VERSION'] ?? '', 10) < 7;

/** A test, and a suite, of what Redis can do since version 7, such as names of nodes in a cluster. */
export const itSinceRedis7: typeof it | typeof it.skip = isBefore7 ? it.skip : it;
export const describeSinceRedis7: typeof describeWithRealRedis = (name, suite) => {
  if (isBefore7) describe.skip(name, suite);
  else describeWithRealRedis(name, suite);
};

/**
 * Describes a suite that the embedded server cannot run: topologies, faults, TLS, ACL. Without a real
 * server it is skipped, and the end of the run says so.
 */
export function describeWithRealRedis(name: string, suite: () => void): void {
  const choose = hasRealRedis ? describe : describe.skip;
  choose(`${name} ${REAL_REDIS.mark}`, suite);
}
