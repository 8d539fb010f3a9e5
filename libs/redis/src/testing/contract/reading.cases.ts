import assert from 'node:assert/strict';
import type { ContractCase } from './fixture.js';

/** The promises about reading by id. */
export const readingCases: readonly ContractCase[] = [
  {
    name: 'returns null for an absent entity',
    run: async (fixture) => {
      await fixture.save(1);
      await fixture.expectAbsent(2);
    },
  },
  {
    name: 'returns an entity as it was saved, with dates as dates',
    run: async (fixture) => {
      await fixture.save(1, 2);
      await fixture.expectStored(1, fixture.example(1));
      await fixture.expectStored(2, fixture.example(2));
    },
  },
  {
    name: 'getByIdOrFail returns the entity, or fails with REDIS_KEY_NOT_FOUND',
    run: async (fixture) => {
      await fixture.save(1);
      fixture.expectSame(await fixture.repository.getByIdOrFail(fixture.id(1)), fixture.example(1));
      await fixture.expectFailure(
        'REDIS_KEY_NOT_FOUND',
        fixture.repository.getByIdOrFail(fixture.id(2)),
      );
    },
  },
  {
    name: 'getAll returns the existing entities, in the order of their ids',
    run: async (fixture) => {
      await fixture.save(1, 2, 3, 4);
      const found = await fixture.repository.getAll(fixture.ids(3, 9, 1, 4));
      assert.deepEqual([...found.keys()], fixture.ids(3, 1, 4));
      for (const n of [3, 1, 4]) fixture.expectSame(found.get(fixture.id(n)), fixture.example(n));
    },
  },
  {
    name: 'getAll returns each entity once, also for a repeated id',
    run: async (fixture) => {
      await fixture.save(1, 2);
      const found = await fixture.repository.getAll(fixture.ids(2, 1, 2, 1, 1));
      assert.deepEqual([...found.keys()], fixture.ids(2, 1));
    },
  },
  {
    name: 'getAll returns an empty map without ids',
    run: async (fixture) => {
      await fixture.save(1);
      assert.equal((await fixture.repository.getAll([])).size, 0);
    },
  },
  {
    name: 'gives each caller a copy: a change of one changes nothing else',
    run: async (fixture) => {
      const { repository } = fixture;
      const given = fixture.example(1);
      await repository.save(given);
      const [one, other] = await Promise.all([
        repository.getById(fixture.id(1)),
        repository.getById(fixture.id(1)),
      ]);
      const many = await repository.getAll(fixture.ids(1));
      for (const entity of [given, one, other, many.get(fixture.id(1))]) {
        assert.ok(entity);
        Object.assign(entity, fixture.patch(2));
        await fixture.expectStored(1, fixture.example(1));
      }
      const updated = await repository.update(fixture.id(1), fixture.patch(2));
      assert.ok(updated);
      Object.assign(updated, fixture.patch(3));
      await fixture.expectStored(1, fixture.disguised(2, 1));
    },
  },
  {
    name: 'returns whether an entity exists',
    run: async (fixture) => {
      await fixture.save(1);
      assert.equal(await fixture.repository.exists(fixture.id(1)), true);
      assert.equal(await fixture.repository.exists(fixture.id(2)), false);
    },
  },
  {
    name: 'ends the wait of a caller that aborts, and of no other',
    run: async (fixture) => {
      await fixture.save(1);
      const reason = new Error('the caller stopped waiting');
      const id = fixture.id(1);
      const [aborted, other] = await Promise.allSettled([
        fixture.repository.getById(id, { signal: AbortSignal.abort(reason) }),
        fixture.repository.getById(id, { signal: new AbortController().signal, timeout: '30s' }),
      ]);
      assert.equal(aborted.status === 'rejected' && aborted.reason, reason);
      assert.ok(other.status === 'fulfilled');
      fixture.expectSame(other.value, fixture.example(1));
    },
  },
];
