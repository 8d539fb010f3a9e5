import { expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { runHistory } from './support/history/run-history.js';
import { measureStaleness } from './support/staleness/measure-staleness.js';

/** A new seed each day; HISTORY_SEED repeats any. */
const SEED = Number(process.env['HISTORY_SEED'] ?? Math.floor(Date.now() / 86_400_000));

/** The long versions are `npm run history -- --near` and `npm run staleness`. */
describeWithRealRedis(`A random history with near copies (seed ${SEED})`, () => {
  it.each([
    ['one server', false],
    ['cluster', true],
  ] as const)(
    'never returns a value that is staler than it may be (%s, moved slots: %s)',
    async (topology, migrations) => {
      const history = await runHistory({
        ...{ seed: SEED, topology, migrations, near: true },
        ...{ reads: 2_001, workers: 2, troubleMs: 1_500 },
      });
      expect(history.violations).toEqual([]);
      expect(history.figures['reads']).toBeGreaterThan(2_000);
      expect(history.figures['nearHits']).toBeGreaterThan(100);
      expect(history.figures['invalidations']).toBeGreaterThan(10);
    },
    120_000,
  );

  it('serves nothing older after its process stood still, and its links were half-open', async () => {
    const faults = ['process stopped (SIGSTOP)', 'tracking connection half-open'] as const;
    const measured = await measureStaleness('500ms', faults, 2);
    for (const { nearWorstMs, otherWorstMs } of measured) {
      expect(nearWorstMs).toBeLessThanOrEqual(500);
      expect(otherWorstMs).toBe(0);
    }
  }, 60_000);
});
