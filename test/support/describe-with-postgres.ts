import { describe } from '@jest/globals';
import { POSTGRES } from './remedies.cjs';

/** Whether this machine has PostgreSQL, as the global set-up found out. */
export const hasPostgres = process.env[POSTGRES.variable] === 'yes';

/** A suite that needs PostgreSQL. Without it the suite is skipped, and the run says so at its end. */
export function describeWithPostgres(name: string, suite: () => void): void {
  const choose = hasPostgres ? describe : describe.skip;
  choose(`${name} ${POSTGRES.mark}`, suite);
}
