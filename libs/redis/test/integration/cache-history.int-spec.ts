import { expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { runHistory } from './support/history/run-history.js';

/** Another one each day, the same for everybody who looks for what it has found. */
const SEED = Number(process.env['HISTORY_SEED'] ?? Math.floor(Date.now() / 86_400_000));

/** The long version is `npm run history`. */
describeWithRealRedis(`What ${SEED} leads to`, () => {
  it.each([
    ['one server', false],
    ['cluster', false],
    ['cluster', true],
  ] as const)(
    'is never an older value than was acknowledged, nor two loads at once (%s, slots are moved: %s)',
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
