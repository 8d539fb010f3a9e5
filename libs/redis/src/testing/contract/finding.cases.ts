import assert from 'node:assert/strict';
import { settled, type ContractCase } from './fixture.js';

/** The promises about finding by an indexed value. */
export const findingCases: readonly ContractCase[] = [
  {
    name: 'finds all entities that have an indexed value, and no others',
    run: async (fixture) => {
      const [one, two] = [fixture.example(1), fixture.example(2)];
      const alike = fixture.example(3, [fixture.indexed], 1);
      await fixture.repository.saveAll([one, two, alike]);
      fixture.expectAll(await fixture.repository.findBy(fixture.criteria(1, fixture.indexed)), [
        one,
        alike,
      ]);
      fixture.expectAll(await fixture.repository.findBy(fixture.criteria(2, fixture.indexed)), [
        two,
      ]);
    },
  },
  {
    name: 'finds nothing by an indexed value that no entity has',
    run: async (fixture) => {
      await fixture.save(2);
      assert.deepEqual(await fixture.repository.findBy(fixture.criteria(1, fixture.indexed)), []);
      assert.equal(await fixture.repository.findOneBy(fixture.criteria(1, fixture.indexed)), null);
    },
  },
  {
    name: 'finds the entities that have all of several values',
    run: async (fixture) => {
      const alike = fixture.example(3, [fixture.indexed], 1);
      await fixture.repository.saveAll([fixture.example(1), fixture.example(2), alike]);
      const both = [fixture.indexed, fixture.idProperty];
      fixture.expectAll(await fixture.repository.findBy(fixture.criteria(1, ...both)), [
        fixture.example(1),
      ]);
      const contradiction = {
        ...fixture.criteria(2, fixture.indexed),
        ...fixture.criteria(1, fixture.idProperty),
      };
      assert.deepEqual(await fixture.repository.findBy(contradiction), []);
    },
  },
  {
    name: 'finds one of the entities that have an indexed value',
    run: async (fixture) => {
      const alike = fixture.example(3, [fixture.indexed], 1);
      await fixture.repository.saveAll([fixture.example(1), fixture.example(2), alike]);
      const found = await fixture.repository.findOneBy(fixture.criteria(1, fixture.indexed));
      assert.ok(found);
      fixture.expectSame(found, fixture.idOf(found) === fixture.id(1) ? fixture.example(1) : alike);
    },
  },
  {
    name: 'finds a changed entity by its new value, and not by its old one',
    run: async (fixture) => {
      const { repository } = fixture;
      await fixture.save(1, 4);
      await repository.update(fixture.id(1), fixture.patch(2));
      assert.deepEqual(await repository.findBy(fixture.criteria(1, fixture.indexed)), []);
      const found = await repository.findBy(fixture.criteria(2, fixture.indexed));
      fixture.expectAll(
        found.filter((entity) => fixture.idOf(entity) !== fixture.id(4)),
        [fixture.disguised(2, 1)],
      );
      await fixture.save(1);
      const again = await repository.findBy(fixture.criteria(1, fixture.indexed));
      fixture.expectAll(
        again.filter((entity) => fixture.idOf(entity) !== fixture.id(4)),
        [fixture.example(1)],
      );
    },
  },
  {
    name: 'does not find a deleted entity',
    run: async (fixture) => {
      const { repository } = fixture;
      const alike = [
        fixture.example(3, [fixture.indexed], 1),
        fixture.example(4, [fixture.indexed], 1),
      ];
      await repository.saveAll([fixture.example(1), ...alike]);
      await repository.delete(fixture.id(1));
      fixture.expectAll(await repository.findBy(fixture.criteria(1, fixture.indexed)), alike);
      await repository.deleteAll(fixture.ids(3, 4));
      assert.deepEqual(await repository.findBy(fixture.criteria(1, fixture.indexed)), []);
    },
  },
  {
    name: 'does not find an expired entity',
    run: async (fixture) => {
      const { repository } = fixture;
      const alike = fixture.example(3, [fixture.indexed], 1);
      await repository.save(fixture.example(1), { ttl: '400ms' });
      await repository.save(alike);
      await fixture.wait(500);
      fixture.expectAll(await repository.findBy(fixture.criteria(1, fixture.indexed)), [alike]);
    },
  },
  {
    name: 'returns copies: a change of one changes no stored entity',
    run: async (fixture) => {
      await fixture.save(1);
      const found = await fixture.repository.findOneBy(fixture.criteria(1, fixture.indexed));
      assert.ok(found);
      Object.assign(found, fixture.patch(2));
      await fixture.expectStored(1, fixture.example(1));
    },
  },
];

/** The promises about unique values. */
export const uniqueCases: readonly ContractCase[] = [
  {
    name: 'finds the entity that has a unique value',
    run: async (fixture) => {
      await fixture.save(1, 2, 3);
      const found = await fixture.repository.findOneBy(fixture.criteria(2, fixture.unique));
      fixture.expectSame(found, fixture.example(2));
      assert.equal(await fixture.repository.findOneBy(fixture.criteria(4, fixture.unique)), null);
    },
  },
  {
    name: 'refuses a unique value of another entity, and changes neither of them',
    run: async (fixture) => {
      const { repository } = fixture;
      await fixture.save(1, 2);
      const thief = fixture.example(3, [fixture.unique], 1);
      await fixture.expectFailure('REDIS_CONFLICT', repository.save(thief));
      await fixture.expectAbsent(3);
      const change = fixture.criteria(1, fixture.unique) as object;
      await fixture.expectFailure('REDIS_CONFLICT', repository.update(fixture.id(2), change));
      const saving = repository.saveAll([thief, fixture.example(4)]);
      const { errors } = await fixture.expectFailure('REDIS_BATCH', saving);
      assert.ok(errors instanceof Map);
      assert.deepEqual([...errors.keys()], fixture.ids(3));
      for (const n of [1, 2, 4]) {
        await fixture.expectStored(n, fixture.example(n));
        fixture.expectAll(await repository.findBy(fixture.criteria(n, fixture.unique)), [
          fixture.example(n),
        ]);
      }
    },
  },
  {
    name: 'lets an entity keep its unique value',
    run: async (fixture) => {
      await fixture.save(1);
      const kept = fixture.example(2, [fixture.idProperty, fixture.unique], 1);
      await fixture.repository.save(kept);
      await fixture.repository.update(fixture.id(1), fixture.criteria(1, fixture.unique) as object);
      fixture.expectAll(await fixture.repository.findBy(fixture.criteria(1, fixture.unique)), [
        kept,
      ]);
    },
  },
  {
    name: 'frees a unique value when its entity has another one',
    run: async (fixture) => {
      await fixture.save(1);
      await fixture.repository.update(fixture.id(1), fixture.patch(2));
      const heir = fixture.example(3, [fixture.unique], 1);
      await fixture.repository.save(heir);
      fixture.expectAll(await fixture.repository.findBy(fixture.criteria(1, fixture.unique)), [
        heir,
      ]);
      await fixture.expectFailure('REDIS_CONFLICT', fixture.repository.save(fixture.example(1)));
      await fixture.expectStored(1, fixture.disguised(2, 1));
    },
  },
  {
    name: 'frees a unique value when its entity is deleted',
    run: async (fixture) => {
      await fixture.save(1, 2);
      await fixture.repository.delete(fixture.id(1));
      await fixture.repository.deleteAll(fixture.ids(2));
      for (const [n, heirNumber] of [
        [1, 3],
        [2, 4],
      ] as const) {
        const heir = fixture.example(heirNumber, [fixture.unique], n);
        await fixture.repository.save(heir);
        fixture.expectAll(await fixture.repository.findBy(fixture.criteria(n, fixture.unique)), [
          heir,
        ]);
      }
    },
  },
  {
    name: 'frees a unique value when its entity has expired',
    run: async (fixture) => {
      const { repository } = fixture;
      await repository.save(fixture.example(1), { ttl: '400ms' });
      await fixture.wait(500);
      assert.equal(await repository.findOneBy(fixture.criteria(1, fixture.unique)), null);
      const heir = fixture.example(2, [fixture.unique], 1);
      await repository.save(heir);
      fixture.expectAll(await repository.findBy(fixture.criteria(1, fixture.unique)), [heir]);
    },
  },
  {
    name: 'gives a unique value to exactly one of 200 concurrent saves',
    run: async (fixture) => {
      const { repository } = fixture;
      const rivals = Array.from({ length: 200 }, (_, i) =>
        fixture.example(i + 1, [fixture.unique], 1),
      );
      const outcomes = await Promise.all(rivals.map((rival) => settled(repository.save(rival))));
      const winners = rivals.filter((_, i) => outcomes[i] === 'done');
      assert.equal(winners.length, 1, `${winners.length} have won`);
      const conflicts = outcomes.filter((outcome) => outcome === 'REDIS_CONFLICT');
      assert.equal(conflicts.length, rivals.length - 1, `others failed: ${outcomes.join()}`);
      fixture.expectAll(await repository.findBy(fixture.criteria(1, fixture.unique)), winners);
      assert.equal(await repository.count(), 1);
    },
  },
];
