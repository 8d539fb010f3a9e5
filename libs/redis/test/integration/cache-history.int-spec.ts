import { expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { runHistory } from './support/history/run-history.js';

/** A new seed each day, so that a failure can be repeated on the same day; HISTORY_SEED repeats any. */
const SEED = Number(process.env['HISTORY_SEED'] ?? Math.floor(Date.now() / 86_400_000));

/** The long version is `npm run history`. */
describeWithRealRedis(`A random history (seed ${SEED})`, () => {
  it.each([
    ['one server', false],
    ['cluster', false],
    ['cluster', true],
  ] as const)(
    'never returns a value older than acknowledged writes, and never loads twice at once (%s, moved slots: %s)',
    async (topology, migrations) => {
      const history = await runHistory({
        seed: SEED,
        topology,
        migrations,
        reads: 1_001,
        workers: 2,
        troubleMs: 2_000,
      });
      expect(history.violations).toEqual([]);
      expect(history.figures['reads']).toBeGreaterThan(1_000);
      expect(history.figures['loads']).toBeGreaterThan(50);
      expect(history.figures['invalidations']).toBeGreaterThan(10);
      if (migrations) expect(history.faults['migrated keys']).toBeGreaterThan(10);
    },
    120_000,
  );
});
