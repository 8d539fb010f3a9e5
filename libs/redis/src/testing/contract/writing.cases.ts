import assert from 'node:assert/strict';
import type { Bench, BenchCase } from './bench.js';
import type { IdValue } from '../../repository/entity/entity-schema.js';

/** What saving, updating and deleting promise. */
export const writingCases: readonly BenchCase[] = [
  {
    name: 'returns what was saved',
    run: async (bench) => {
      bench.expectSame(await bench.repository.save(bench.example(1)), bench.example(1));
    },
  },
  {
    name: 'replaces the entity of the same id, and no other',
    run: async (bench) => {
      await bench.save(1, 3);
      await bench.repository.save(bench.disguised(2, 1));
      await bench.expectStored(1, bench.disguised(2, 1));
      await bench.expectStored(3, bench.example(3));
    },
  },
  {
    name: 'saves many, and of several with one id the last',
    run: async (bench) => {
      await bench.repository.saveAll([]);
      const entities = [bench.example(1), bench.example(2), bench.disguised(3, 1)];
      await bench.repository.saveAll(entities);
      await bench.expectStored(1, bench.disguised(3, 1));
      await bench.expectStored(2, bench.example(2));
    },
  },
  {
    name: 'updates the properties of a patch, and no others',
    run: async (bench) => {
      await bench.save(1, 2);
      for (const [property, value] of Object.entries(bench.patch(3))) {
        const before = await bench.repository.getByIdOrFail(bench.id(1));
        const expected = Object.assign(before, { [property]: value });
        const patch = { [property]: value } as typeof before;
        bench.expectSame(await bench.repository.update(bench.id(1), patch), expected);
        await bench.expectStored(1, expected);
      }
      await bench.expectStored(1, bench.disguised(3, 1));
      await bench.expectStored(2, bench.example(2));
    },
  },
  {
    name: 'updates with a function that changes the entity, or returns what to change',
    run: async (bench) => {
      await bench.save(1);
      const { repository } = bench;
      await repository.update(bench.id(1), (entity) => {
        bench.expectSame(entity, bench.example(1));
        Object.assign(entity, bench.patch(2));
        return undefined;
      });
      await bench.expectStored(1, bench.disguised(2, 1));
      await repository.update(bench.id(1), () => Promise.resolve(bench.patch(3)));
      await bench.expectStored(1, bench.disguised(3, 1));
    },
  },
  {
    name: 'makes nothing of an update of what is not there',
    run: async (bench) => {
      assert.equal(await bench.repository.update(bench.id(1), bench.patch(2)), null);
      const mustNotBeCalled = () => assert.fail('there is nothing to change');
      assert.equal(await bench.repository.update(bench.id(1), mustNotBeCalled), null);
      await bench.expectAbsent(1);
    },
  },
  {
    name: 'refuses to update an id',
    run: async (bench) => {
      await bench.save(1);
      const { repository } = bench;
      const other = bench.criteria(2, bench.idProperty) as object;
      await bench.expectFailure('REDIS_VALIDATION', repository.update(bench.id(1), other));
      const change = (entity: object) => void Object.assign(entity, other);
      await bench.expectFailure('REDIS_VALIDATION', repository.update(bench.id(1), change));
      await bench.expectStored(1, bench.example(1));
      await bench.expectAbsent(2);
    },
  },
  {
    name: 'writes nothing when the function of an update throws',
    run: async (bench) => {
      await bench.save(1);
      const reason = new Error('changed my mind');
      const change = (entity: object) => {
        Object.assign(entity, bench.patch(2));
        throw reason;
      };
      await assert.rejects(
        bench.repository.update(bench.id(1), change),
        (error) => error === reason,
      );
      await bench.expectStored(1, bench.example(1));
    },
  },
  {
    name: 'loses none of many updates at the same time',
    run: async (bench) => {
      await bench.save(1);
      // Each replaces what it saw. If none is lost, each state but the last was seen exactly once.
      const updates = [2, 3, 4, 5, 6, 7, 8, 9];
      const seen = await Promise.all(updates.map((n) => replace(bench, n)));
      const last = await bench.repository.getByIdOrFail(bench.id(1));
      const all = [bench.example(1), ...updates.map((n) => bench.disguised(n, 1))];
      const texts = (entities: readonly object[]) =>
        entities.map((entity) => textOf(entity)).sort();
      assert.deepEqual(texts([...seen, last]), texts(all), 'an update was lost');
    },
  },
  {
    name: 'deletes, and says whether there was anything',
    run: async (bench) => {
      await bench.save(1, 2);
      assert.equal(await bench.repository.delete(bench.id(1)), true);
      assert.equal(await bench.repository.delete(bench.id(1)), false);
      await bench.expectAbsent(1);
      await bench.expectStored(2, bench.example(2));
    },
  },
  {
    name: 'deletes many, and says how many there were',
    run: async (bench) => {
      await bench.save(1, 2, 3);
      assert.equal(await bench.repository.deleteAll([]), 0);
      assert.equal(await bench.repository.deleteAll(bench.ids(1, 9, 3, 1)), 2);
      await bench.expectAbsent(1);
      await bench.expectStored(2, bench.example(2));
      await bench.expectAbsent(3);
    },
  },
];

/** What validation promises. */
export const validationCases: readonly BenchCase[] = [
  {
    name: 'refuses to save what is not valid, names all that is wrong and writes nothing',
    run: async (bench) => {
      const { entity, wrong } = bench.invalid();
      await expectProblems(bench, wrong, bench.repository.save(entity));
      assert.equal(await bench.repository.exists(bench.idOf(entity)), false);
    },
  },
  {
    name: 'refuses to update to what is not valid',
    run: async (bench) => {
      await bench.save(1);
      const { entity, wrong } = bench.invalid();
      const id = bench.criteria(1, bench.idProperty);
      const change = (found: object) => void Object.assign(found, entity, id);
      await expectProblems(bench, wrong, bench.repository.update(bench.id(1), change));
      await bench.expectStored(1, bench.example(1));
    },
  },
  {
    name: 'saves those of many that are valid, and fails with REDIS_BATCH for the others by id',
    run: async (bench) => {
      const { entity, wrong } = bench.invalid();
      const saving = bench.repository.saveAll([bench.example(1), entity, bench.example(2)]);
      const { errors } = await bench.expectFailure('REDIS_BATCH', saving);
      assert.ok(errors instanceof Map);
      assert.deepEqual([...errors.keys()], [bench.idOf(entity)]);
      await expectProblems(bench, wrong, Promise.reject(errors.get(bench.idOf(entity)) as Error));
      await bench.expectStored(1, bench.example(1));
      await bench.expectStored(2, bench.example(2));
      assert.equal(await bench.repository.exists(bench.idOf(entity)), false);
    },
  },
];

/** @returns what the update that was written had seen */
async function replace<T extends object, Id extends IdValue>(
  bench: Bench<T, Id>,
  n: number,
): Promise<object> {
  for (;;) {
    let seen: object = {};
    const change = (entity: T) => {
      seen = { ...entity };
      return bench.patch(n);
    };
    try {
      assert.ok(await bench.repository.update(bench.id(1), change), 'it was there before');
      return seen;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'REDIS_CONFLICT') throw error;
    }
  }
}

async function expectProblems<T extends object, Id extends IdValue>(
  bench: Bench<T, Id>,
  wrong: readonly string[],
  promise: Promise<unknown>,
): Promise<void> {
  const { problems } = await bench.expectFailure('REDIS_VALIDATION', promise);
  assert.ok(Array.isArray(problems), 'the exception lists problems');
  const properties = problems.map(({ property }: { property: string }) => property);
  assert.deepEqual(properties.sort(), [...wrong].sort());
}

/** The same for entities with the same values. */
function textOf(entity: object): string {
  const entries = Object.entries(entity).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
