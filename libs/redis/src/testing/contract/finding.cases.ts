import assert from 'node:assert/strict';
import { settled, type BenchCase } from './bench.js';

/** What finding by an indexed value promises. */
export const findingCases: readonly BenchCase[] = [
  {
    name: 'finds all entities that have an indexed value, and no others',
    run: async (bench) => {
      const [one, two] = [bench.example(1), bench.example(2)];
      const alike = bench.example(3, [bench.indexed], 1);
      await bench.repository.saveAll([one, two, alike]);
      bench.expectAll(await bench.repository.findBy(bench.criteria(1, bench.indexed)), [
        one,
        alike,
      ]);
      bench.expectAll(await bench.repository.findBy(bench.criteria(2, bench.indexed)), [two]);
    },
  },
  {
    name: 'finds nothing by an indexed value that no entity has',
    run: async (bench) => {
      await bench.save(2);
      assert.deepEqual(await bench.repository.findBy(bench.criteria(1, bench.indexed)), []);
      assert.equal(await bench.repository.findOneBy(bench.criteria(1, bench.indexed)), null);
    },
  },
  {
    name: 'finds those that have all of several values',
    run: async (bench) => {
      const alike = bench.example(3, [bench.indexed], 1);
      await bench.repository.saveAll([bench.example(1), bench.example(2), alike]);
      const both = [bench.indexed, bench.idProperty];
      bench.expectAll(await bench.repository.findBy(bench.criteria(1, ...both)), [
        bench.example(1),
      ]);
      const contradiction = {
        ...bench.criteria(2, bench.indexed),
        ...bench.criteria(1, bench.idProperty),
      };
      assert.deepEqual(await bench.repository.findBy(contradiction), []);
    },
  },
  {
    name: 'finds one of those that have an indexed value',
    run: async (bench) => {
      const alike = bench.example(3, [bench.indexed], 1);
      await bench.repository.saveAll([bench.example(1), bench.example(2), alike]);
      const found = await bench.repository.findOneBy(bench.criteria(1, bench.indexed));
      assert.ok(found);
      bench.expectSame(found, bench.idOf(found) === bench.id(1) ? bench.example(1) : alike);
    },
  },
  {
    name: 'finds an entity that was changed by its new value, and by its old one no more',
    run: async (bench) => {
      const { repository } = bench;
      await bench.save(1, 4);
      await repository.update(bench.id(1), bench.patch(2));
      assert.deepEqual(await repository.findBy(bench.criteria(1, bench.indexed)), []);
      const found = await repository.findBy(bench.criteria(2, bench.indexed));
      bench.expectAll(
        found.filter((entity) => bench.idOf(entity) !== bench.id(4)),
        [bench.disguised(2, 1)],
      );
      await bench.save(1);
      const again = await repository.findBy(bench.criteria(1, bench.indexed));
      bench.expectAll(
        again.filter((entity) => bench.idOf(entity) !== bench.id(4)),
        [bench.example(1)],
      );
    },
  },
  {
    name: 'does not find what was deleted',
    run: async (bench) => {
      const { repository } = bench;
      const alike = [bench.example(3, [bench.indexed], 1), bench.example(4, [bench.indexed], 1)];
      await repository.saveAll([bench.example(1), ...alike]);
      await repository.delete(bench.id(1));
      bench.expectAll(await repository.findBy(bench.criteria(1, bench.indexed)), alike);
      await repository.deleteAll(bench.ids(3, 4));
      assert.deepEqual(await repository.findBy(bench.criteria(1, bench.indexed)), []);
    },
  },
  {
    name: 'does not find what has expired',
    run: async (bench) => {
      const { repository } = bench;
      const alike = bench.example(3, [bench.indexed], 1);
      await repository.save(bench.example(1), { ttl: '400ms' });
      await repository.save(alike);
      await bench.wait(500);
      bench.expectAll(await repository.findBy(bench.criteria(1, bench.indexed)), [alike]);
    },
  },
  {
    name: 'finds copies, so that changing them changes nothing that is stored',
    run: async (bench) => {
      await bench.save(1);
      const found = await bench.repository.findOneBy(bench.criteria(1, bench.indexed));
      assert.ok(found);
      Object.assign(found, bench.patch(2));
      await bench.expectStored(1, bench.example(1));
    },
  },
];

/** What unique values promise. */
export const uniqueCases: readonly BenchCase[] = [
  {
    name: 'finds the entity that has a unique value',
    run: async (bench) => {
      await bench.save(1, 2, 3);
      const found = await bench.repository.findOneBy(bench.criteria(2, bench.unique));
      bench.expectSame(found, bench.example(2));
      assert.equal(await bench.repository.findOneBy(bench.criteria(4, bench.unique)), null);
    },
  },
  {
    name: 'refuses a unique value that another entity has, and leaves both as they were',
    run: async (bench) => {
      const { repository } = bench;
      await bench.save(1, 2);
      const thief = bench.example(3, [bench.unique], 1);
      await bench.expectFailure('REDIS_CONFLICT', repository.save(thief));
      await bench.expectAbsent(3);
      const change = bench.criteria(1, bench.unique) as object;
      await bench.expectFailure('REDIS_CONFLICT', repository.update(bench.id(2), change));
      const saving = repository.saveAll([thief, bench.example(4)]);
      const { errors } = await bench.expectFailure('REDIS_BATCH', saving);
      assert.ok(errors instanceof Map);
      assert.deepEqual([...errors.keys()], bench.ids(3));
      for (const n of [1, 2, 4]) {
        await bench.expectStored(n, bench.example(n));
        bench.expectAll(await repository.findBy(bench.criteria(n, bench.unique)), [
          bench.example(n),
        ]);
      }
    },
  },
  {
    name: 'lets an entity keep its unique value',
    run: async (bench) => {
      await bench.save(1);
      const kept = bench.example(2, [bench.idProperty, bench.unique], 1);
      await bench.repository.save(kept);
      await bench.repository.update(bench.id(1), bench.criteria(1, bench.unique) as object);
      bench.expectAll(await bench.repository.findBy(bench.criteria(1, bench.unique)), [kept]);
    },
  },
  {
    name: 'gives a unique value away after its entity has changed',
    run: async (bench) => {
      await bench.save(1);
      await bench.repository.update(bench.id(1), bench.patch(2));
      const heir = bench.example(3, [bench.unique], 1);
      await bench.repository.save(heir);
      bench.expectAll(await bench.repository.findBy(bench.criteria(1, bench.unique)), [heir]);
      await bench.expectFailure('REDIS_CONFLICT', bench.repository.save(bench.example(1)));
      await bench.expectStored(1, bench.disguised(2, 1));
    },
  },
  {
    name: 'gives a unique value away after its entity was deleted',
    run: async (bench) => {
      await bench.save(1, 2);
      await bench.repository.delete(bench.id(1));
      await bench.repository.deleteAll(bench.ids(2));
      for (const [n, heirNumber] of [
        [1, 3],
        [2, 4],
      ] as const) {
        const heir = bench.example(heirNumber, [bench.unique], n);
        await bench.repository.save(heir);
        bench.expectAll(await bench.repository.findBy(bench.criteria(n, bench.unique)), [heir]);
      }
    },
  },
  {
    name: 'gives a unique value away after its entity has expired',
    run: async (bench) => {
      const { repository } = bench;
      await repository.save(bench.example(1), { ttl: '400ms' });
      await bench.wait(500);
      assert.equal(await repository.findOneBy(bench.criteria(1, bench.unique)), null);
      const heir = bench.example(2, [bench.unique], 1);
      await repository.save(heir);
      bench.expectAll(await repository.findBy(bench.criteria(1, bench.unique)), [heir]);
    },
  },
  {
    name: 'lets exactly one of 200 win that want the same unique value at the same time',
    run: async (bench) => {
      const { repository } = bench;
      const rivals = Array.from({ length: 200 }, (_, i) => bench.example(i + 1, [bench.unique], 1));
      const outcomes = await Promise.all(rivals.map((rival) => settled(repository.save(rival))));
      const winners = rivals.filter((_, i) => outcomes[i] === 'done');
      assert.equal(winners.length, 1, `${winners.length} have won`);
      const conflicts = outcomes.filter((outcome) => outcome === 'REDIS_CONFLICT');
      assert.equal(conflicts.length, rivals.length - 1, `others failed: ${outcomes.join()}`);
      bench.expectAll(await repository.findBy(bench.criteria(1, bench.unique)), winners);
      assert.equal(await repository.count(), 1);
    },
  },
];
