import assert from 'node:assert/strict';
import { collect, type ContractCase } from './fixture.js';

/** Long enough for the steps before the expiry, also on a busy machine. */
const SHORT = '2s';

/** By then `SHORT` has passed. */
const LATER_MS = 2_100;

/** The promises about the time to live of entities. */
export const expiringCases: readonly ContractCase[] = [
  {
    name: 'removes an entity when its time to live has passed',
    run: async (fixture) => {
      const { repository } = fixture;
      await repository.save(fixture.example(1), { ttl: SHORT });
      await repository.saveAll([fixture.example(2)], { ttl: SHORT });
      await fixture.save(3);
      await fixture.wait(LATER_MS);
      for (const n of [1, 2]) {
        await fixture.expectAbsent(n);
        assert.equal(await repository.exists(fixture.id(n)), false);
      }
      assert.deepEqual([...(await repository.getAll(fixture.ids(1, 2, 3))).keys()], fixture.ids(3));
      assert.deepEqual(await collect(repository.ids()), fixture.ids(3));
      assert.equal(await repository.count(), 1);
      assert.equal(await repository.update(fixture.id(1), fixture.patch(4)), null);
      assert.equal(await repository.delete(fixture.id(2)), false);
    },
  },
  {
    name: 'keeps the remaining time to live in an update',
    run: async (fixture) => {
      await fixture.repository.save(fixture.example(1), { ttl: SHORT });
      await fixture.repository.save(fixture.example(2), { ttl: 'forever' });
      assert.ok(await fixture.repository.update(fixture.id(1), fixture.patch(3)));
      assert.ok(await fixture.repository.update(fixture.id(2), fixture.patch(4), { ttl: 'keep' }));
      await fixture.wait(LATER_MS);
      await fixture.expectAbsent(1, 'the update has made the entity live longer');
      await fixture.expectStored(2, fixture.disguised(4, 2));
    },
  },
  {
    name: 'sets the time to live that an update names',
    run: async (fixture) => {
      await fixture.repository.save(fixture.example(1), { ttl: SHORT });
      await fixture.save(2);
      assert.ok(await fixture.repository.update(fixture.id(1), fixture.patch(3), { ttl: '1m' }));
      assert.ok(await fixture.repository.update(fixture.id(2), fixture.patch(4), { ttl: SHORT }));
      await fixture.wait(LATER_MS);
      await fixture.expectStored(1, fixture.disguised(3, 1));
      await fixture.expectAbsent(2);
    },
  },
  {
    name: 'sets the default time to live with an update that asks for it',
    run: async (fixture) => {
      await fixture.repository.save(fixture.example(1), { ttl: SHORT });
      assert.ok(
        await fixture.repository.update(fixture.id(1), fixture.patch(2), { ttl: 'default' }),
      );
      await fixture.wait(LATER_MS);
      await fixture.expectStored(1, fixture.disguised(2, 1));
    },
  },
  {
    name: 'starts the time to live again with each save',
    run: async (fixture) => {
      await fixture.repository.save(fixture.example(1), { ttl: SHORT });
      await fixture.save(1);
      await fixture.save(2);
      await fixture.repository.save(fixture.example(2), { ttl: SHORT });
      await fixture.wait(LATER_MS);
      await fixture.expectStored(1, fixture.example(1));
      await fixture.expectAbsent(2);
    },
  },
  {
    name: 'changes the time to live of an entity, also to forever',
    run: async (fixture) => {
      const { repository } = fixture;
      await fixture.save(1);
      await repository.save(fixture.example(2), { ttl: SHORT });
      await repository.save(fixture.example(3), { ttl: SHORT });
      assert.equal(await repository.expire(fixture.id(1), SHORT), true);
      assert.equal(await repository.expire(fixture.id(2), 'forever'), true);
      assert.equal(await repository.expire(fixture.id(3), '1m'), true);
      await fixture.expectStored(1, fixture.example(1));
      await fixture.wait(LATER_MS);
      await fixture.expectAbsent(1);
      await fixture.expectStored(2, fixture.example(2));
      await fixture.expectStored(3, fixture.example(3));
    },
  },
  {
    name: 'returns false for the time to live of an absent entity',
    run: async (fixture) => {
      assert.equal(await fixture.repository.expire(fixture.id(1), '1m'), false);
      assert.equal(await fixture.repository.expire(fixture.id(1), 'forever'), false);
      await fixture.expectAbsent(1);
    },
  },
  {
    name: 'refuses a time to live without a unit',
    run: async (fixture) => {
      const bare = { ttl: 60 as unknown as '1m' };
      await fixture.save(1);
      await fixture.expectFailure(
        'REDIS_CONFIGURATION',
        fixture.repository.save(fixture.example(2), bare),
      );
      await fixture.expectFailure(
        'REDIS_CONFIGURATION',
        fixture.repository.update(fixture.id(1), fixture.patch(3), bare),
      );
      await fixture.expectFailure(
        'REDIS_CONFIGURATION',
        fixture.repository.expire(fixture.id(1), bare.ttl),
      );
      await fixture.expectStored(1, fixture.example(1));
      await fixture.expectAbsent(2);
    },
  },
];
