import { expect, it } from '@jest/globals';
import { describeWithRealRedis } from '../../../../test/support/real-redis.js';
import { runChangeHistory } from './support/change-history/run-change-history.js';

/** A new seed each day; HISTORY_SEED repeats any. */
const SEED = Number(process.env['HISTORY_SEED'] ?? Math.floor(Date.now() / 86_400_000));

/** The long version is `npm run change-history`. */
describeWithRealRedis(`Writers that are killed at random (seed ${SEED})`, () => {
  it.each(['one server', 'cluster'] as const)(
    'leave no value behind that is older than a commit (%s)',
    async (topology) => {
      const options = { seed: SEED, topology, writers: 2, troubleMs: 2_000, kills: 1 } as const;
      const { figures, violations } = await runChangeHistory({ ...options, reads: 1_000 });
      expect(violations).toEqual([]);
      expect(figures['hits']).toBeGreaterThan(100);
      expect(figures['commits that every read has to show at once']).toBeGreaterThan(10);
      expect(figures['killed writers']).toBeGreaterThan(0);
    },
    120_000,
  );

  it('are detected if they only invalidate after the commit', async () => {
    const manner = 'commit, then invalidate';
    const { violations } = await runChangeHistory({ seed: SEED, manner, reads: 1_000_000 });
    expect(violations[0]?.what).toMatch(/must be seen/);
  }, 120_000);
});
