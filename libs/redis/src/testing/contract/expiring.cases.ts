import assert from 'node:assert/strict';
import { collect, type BenchCase } from './bench.js';

/** Long enough for what is done before it ends, on a busy machine too. */
const SHORT = '2s';

/** By then it has ended. */
const LATER_MS = 2_100;

/** What is promised about the time that entities live. */
export const expiringCases: readonly BenchCase[] = [
  {
    name: 'forgets an entity when the time of its save is over',
    run: async (bench) => {
      const { repository } = bench;
      await repository.save(bench.example(1), { ttl: SHORT });
      await repository.saveAll([bench.example(2)], { ttl: SHORT });
      await bench.save(3);
      await bench.wait(LATER_MS);
      for (const n of [1, 2]) {
        await bench.expectAbsent(n);
        assert.equal(await repository.exists(bench.id(n)), false);
      }
      assert.deepEqual([...(await repository.getAll(bench.ids(1, 2, 3))).keys()], bench.ids(3));
      assert.deepEqual(await collect(repository.ids()), bench.ids(3));
      assert.equal(await repository.count(), 1);
      assert.equal(await repository.update(bench.id(1), bench.patch(4)), null);
      assert.equal(await repository.delete(bench.id(2)), false);
    },
  },
  {
    name: 'keeps the time that is left when an entity is updated',
    run: async (bench) => {
      await bench.repository.save(bench.example(1), { ttl: SHORT });
      await bench.repository.save(bench.example(2), { ttl: 'forever' });
      assert.ok(await bench.repository.update(bench.id(1), bench.patch(3)));
      assert.ok(await bench.repository.update(bench.id(2), bench.patch(4), { ttl: 'keep' }));
      await bench.wait(LATER_MS);
      await bench.expectAbsent(1, 'the update has made the entity live longer');
      await bench.expectStored(2, bench.disguised(4, 2));
    },
  },
  {
    name: 'gives an entity the time that its update asks for',
    run: async (bench) => {
      await bench.repository.save(bench.example(1), { ttl: SHORT });
      await bench.save(2);
      assert.ok(await bench.repository.update(bench.id(1), bench.patch(3), { ttl: '1m' }));
      assert.ok(await bench.repository.update(bench.id(2), bench.patch(4), { ttl: SHORT }));
      await bench.wait(LATER_MS);
      await bench.expectStored(1, bench.disguised(3, 1));
      await bench.expectAbsent(2);
    },
  },
  {
    name: 'starts the time anew with an update that asks for the default',
    run: async (bench) => {
      await bench.repository.save(bench.example(1), { ttl: SHORT });
      assert.ok(await bench.repository.update(bench.id(1), bench.patch(2), { ttl: 'default' }));
      await bench.wait(LATER_MS);
      await bench.expectStored(1, bench.disguised(2, 1));
    },
  },
  {
    name: 'starts the time anew with each save',
    run: async (bench) => {
      await bench.repository.save(bench.example(1), { ttl: SHORT });
      await bench.save(1);
      await bench.save(2);
      await bench.repository.save(bench.example(2), { ttl: SHORT });
      await bench.wait(LATER_MS);
      await bench.expectStored(1, bench.example(1));
      await bench.expectAbsent(2);
    },
  },
  {
    name: 'ends the life of an entity when it is told to, or lets it live forever',
    run: async (bench) => {
      const { repository } = bench;
      await bench.save(1);
      await repository.save(bench.example(2), { ttl: SHORT });
      await repository.save(bench.example(3), { ttl: SHORT });
      assert.equal(await repository.expire(bench.id(1), SHORT), true);
      assert.equal(await repository.expire(bench.id(2), 'forever'), true);
      assert.equal(await repository.expire(bench.id(3), '1m'), true);
      await bench.expectStored(1, bench.example(1));
      await bench.wait(LATER_MS);
      await bench.expectAbsent(1);
      await bench.expectStored(2, bench.example(2));
      await bench.expectStored(3, bench.example(3));
    },
  },
  {
    name: 'says that it cannot expire what is not there',
    run: async (bench) => {
      assert.equal(await bench.repository.expire(bench.id(1), '1m'), false);
      assert.equal(await bench.repository.expire(bench.id(1), 'forever'), false);
      await bench.expectAbsent(1);
    },
  },
  {
    name: 'refuses a time to live without a unit',
    run: async (bench) => {
      const bare = { ttl: 60 as unknown as '1m' };
      await bench.save(1);
      await bench.expectFailure(
        'REDIS_CONFIGURATION',
        bench.repository.save(bench.example(2), bare),
      );
      await bench.expectFailure(
        'REDIS_CONFIGURATION',
        bench.repository.update(bench.id(1), bench.patch(3), bare),
      );
      await bench.expectFailure(
        'REDIS_CONFIGURATION',
        bench.repository.expire(bench.id(1), bare.ttl),
      );
      await bench.expectStored(1, bench.example(1));
      await bench.expectAbsent(2);
    },
  },
];
