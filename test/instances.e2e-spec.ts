/**
 * The short version of `npm run instances`: two instances of the API on one Redis and one PostgreSQL, under
 * traffic, while all of them fail. What an oracle compares with what was released before is in test/instances.
 */
import { beforeAll, expect, it } from '@jest/globals';

import { runInstances, type InstancesResult } from './instances/run-instances.js';
import { describeWithPostgres } from './support/describe-with-postgres.js';
import { describeWithRealRedis } from './support/real-redis.js';

/** Another one each day; CHAOS_SEED repeats one. */
const seed = Number(process.env['CHAOS_SEED'] ?? Math.floor(Date.now() / 86_400_000));

describeWithRealRedis(`two instances of the users API in chaos (CHAOS_SEED=${seed})`, () => {
  describeWithPostgres('on one database', () => {
    let run: InstancesResult;

    beforeAll(async () => {
      run = await runInstances({
        seed,
        calmMs: 500,
        faults: [
          'an instance is killed while users are changed',
          'Redis is frozen',
          'PostgreSQL is frozen',
        ],
      });
    }, 120_000);

    it('show nothing that is older than what was released, and lose nothing', () => {
      expect(run.findings).toEqual([]);
    });

    it('answer from the database while Redis is away', () => {
      expect(run.counts['BYPASS (Redis away)']).toBeGreaterThan(5);
      expect(run.counts['503 (Redis away)']).toBeUndefined();
    });

    it('answer from Redis while the database is away', () => {
      expect(run.counts['shown (database away)']).toBeGreaterThan(0);
    });

    it('have seen traffic all the time', () => {
      expect(run.counts['acknowledged changes']).toBeGreaterThan(50);
      expect(run.counts['HIT (normal)']).toBeGreaterThan(20);
    });
  });
});
