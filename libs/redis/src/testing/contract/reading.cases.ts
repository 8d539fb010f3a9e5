import assert from 'node:assert/strict';
import type { BenchCase } from './bench.js';

/** What reading by id promises. */
export const readingCases: readonly BenchCase[] = [
  {
    name: 'gives null for an entity that is not there',
    run: async (bench) => {
      await bench.save(1);
      await bench.expectAbsent(2);
    },
  },
  {
    name: 'gives an entity as it was saved, its dates as dates',
    run: async (bench) => {
      await bench.save(1, 2);
      await bench.expectStored(1, bench.example(1));
      await bench.expectStored(2, bench.example(2));
    },
  },
  {
    name: 'gives an entity that was promised, or fails with REDIS_KEY_NOT_FOUND',
    run: async (bench) => {
      await bench.save(1);
      bench.expectSame(await bench.repository.getByIdOrFail(bench.id(1)), bench.example(1));
      await bench.expectFailure('REDIS_KEY_NOT_FOUND', bench.repository.getByIdOrFail(bench.id(2)));
    },
  },
  {
    name: 'gives those of many that exist, in the order in which they were asked for',
    run: async (bench) => {
      await bench.save(1, 2, 3, 4);
      const found = await bench.repository.getAll(bench.ids(3, 9, 1, 4));
      assert.deepEqual([...found.keys()], bench.ids(3, 1, 4));
      for (const n of [3, 1, 4]) bench.expectSame(found.get(bench.id(n)), bench.example(n));
    },
  },
  {
    name: 'gives each of many once, however often it was asked for',
    run: async (bench) => {
      await bench.save(1, 2);
      const found = await bench.repository.getAll(bench.ids(2, 1, 2, 1, 1));
      assert.deepEqual([...found.keys()], bench.ids(2, 1));
    },
  },
  {
    name: 'gives an empty map when nothing was asked for',
    run: async (bench) => {
      await bench.save(1);
      assert.equal((await bench.repository.getAll([])).size, 0);
    },
  },
  {
    name: 'gives a copy to each who asks, so that changing it changes nothing else',
    run: async (bench) => {
      const { repository } = bench;
      const given = bench.example(1);
      await repository.save(given);
      const [one, other] = await Promise.all([
        repository.getById(bench.id(1)),
        repository.getById(bench.id(1)),
      ]);
      const many = await repository.getAll(bench.ids(1));
      for (const entity of [given, one, other, many.get(bench.id(1))]) {
        assert.ok(entity);
        Object.assign(entity, bench.patch(2));
        await bench.expectStored(1, bench.example(1));
      }
      const updated = await repository.update(bench.id(1), bench.patch(2));
      assert.ok(updated);
      Object.assign(updated, bench.patch(3));
      await bench.expectStored(1, bench.disguised(2, 1));
    },
  },
  {
    name: 'says whether an entity exists',
    run: async (bench) => {
      await bench.save(1);
      assert.equal(await bench.repository.exists(bench.id(1)), true);
      assert.equal(await bench.repository.exists(bench.id(2)), false);
    },
  },
  {
    name: 'ends the wait of a caller who aborts, and of no other',
    run: async (bench) => {
      await bench.save(1);
      const reason = new Error('nobody waits any more');
      const id = bench.id(1);
      const [aborted, other] = await Promise.allSettled([
        bench.repository.getById(id, { signal: AbortSignal.abort(reason) }),
        bench.repository.getById(id, { signal: new AbortController().signal, timeout: '30s' }),
      ]);
      assert.equal(aborted.status === 'rejected' && aborted.reason, reason);
      assert.ok(other.status === 'fulfilled');
      bench.expectSame(other.value, bench.example(1));
    },
  },
];
