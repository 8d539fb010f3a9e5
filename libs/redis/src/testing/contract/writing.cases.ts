import assert from 'node:assert/strict';
import type { Fixture, ContractCase } from './fixture.js';
import type { IdValue } from '../../repository/entity/entity-schema.js';

/** The promises about saving, updating and deleting. */
export const writingCases: readonly ContractCase[] = [
  {
    name: 'returns the saved entity',
    run: async (fixture) => {
      fixture.expectSame(await fixture.repository.save(fixture.example(1)), fixture.example(1));
    },
  },
  {
    name: 'replaces the entity with the same id, and no other',
    run: async (fixture) => {
      await fixture.save(1, 3);
      await fixture.repository.save(fixture.disguised(2, 1));
      await fixture.expectStored(1, fixture.disguised(2, 1));
      await fixture.expectStored(3, fixture.example(3));
    },
  },
  {
    name: 'saves many entities, and of several with one id the last',
    run: async (fixture) => {
      await fixture.repository.saveAll([]);
      const entities = [fixture.example(1), fixture.example(2), fixture.disguised(3, 1)];
      await fixture.repository.saveAll(entities);
      await fixture.expectStored(1, fixture.disguised(3, 1));
      await fixture.expectStored(2, fixture.example(2));
    },
  },
  {
    name: 'updates the properties of a patch, and no others',
    run: async (fixture) => {
      await fixture.save(1, 2);
      for (const [property, value] of Object.entries(fixture.patch(3))) {
        const before = await fixture.repository.getByIdOrFail(fixture.id(1));
        const expected = Object.assign(before, { [property]: value });
        const patch = { [property]: value } as typeof before;
        fixture.expectSame(await fixture.repository.update(fixture.id(1), patch), expected);
        await fixture.expectStored(1, expected);
      }
      await fixture.expectStored(1, fixture.disguised(3, 1));
      await fixture.expectStored(2, fixture.example(2));
    },
  },
  {
    name: 'updates with a function that changes the entity, or returns a patch',
    run: async (fixture) => {
      await fixture.save(1);
      const { repository } = fixture;
      await repository.update(fixture.id(1), (entity) => {
        fixture.expectSame(entity, fixture.example(1));
        Object.assign(entity, fixture.patch(2));
        return undefined;
      });
      await fixture.expectStored(1, fixture.disguised(2, 1));
      await repository.update(fixture.id(1), () => Promise.resolve(fixture.patch(3)));
      await fixture.expectStored(1, fixture.disguised(3, 1));
    },
  },
  {
    name: 'returns null for an update of an absent entity, and creates nothing',
    run: async (fixture) => {
      assert.equal(await fixture.repository.update(fixture.id(1), fixture.patch(2)), null);
      const mustNotBeCalled = () => assert.fail('there is nothing to change');
      assert.equal(await fixture.repository.update(fixture.id(1), mustNotBeCalled), null);
      await fixture.expectAbsent(1);
    },
  },
  {
    name: 'refuses to update an id',
    run: async (fixture) => {
      await fixture.save(1);
      const { repository } = fixture;
      const other = fixture.criteria(2, fixture.idProperty) as object;
      await fixture.expectFailure('REDIS_VALIDATION', repository.update(fixture.id(1), other));
      const change = (entity: object) => void Object.assign(entity, other);
      await fixture.expectFailure('REDIS_VALIDATION', repository.update(fixture.id(1), change));
      await fixture.expectStored(1, fixture.example(1));
      await fixture.expectAbsent(2);
    },
  },
  {
    name: 'writes nothing when the function of an update throws',
    run: async (fixture) => {
      await fixture.save(1);
      const reason = new Error('changed my mind');
      const change = (entity: object) => {
        Object.assign(entity, fixture.patch(2));
        throw reason;
      };
      await assert.rejects(
        fixture.repository.update(fixture.id(1), change),
        (error) => error === reason,
      );
      await fixture.expectStored(1, fixture.example(1));
    },
  },
  {
    name: 'loses none of many concurrent updates',
    run: async (fixture) => {
      await fixture.save(1);
      // Each replaces what it saw. If none is lost, each state but the last was seen exactly once.
      const updates = [2, 3, 4, 5, 6, 7, 8, 9];
      const seen = await Promise.all(updates.map((n) => replace(fixture, n)));
      const last = await fixture.repository.getByIdOrFail(fixture.id(1));
      const all = [fixture.example(1), ...updates.map((n) => fixture.disguised(n, 1))];
      const texts = (entities: readonly object[]) =>
        entities.map((entity) => textOf(entity)).sort();
      assert.deepEqual(texts([...seen, last]), texts(all), 'an update was lost');
    },
  },
  {
    name: 'deletes an entity, and returns whether it existed',
    run: async (fixture) => {
      await fixture.save(1, 2);
      assert.equal(await fixture.repository.delete(fixture.id(1)), true);
      assert.equal(await fixture.repository.delete(fixture.id(1)), false);
      await fixture.expectAbsent(1);
      await fixture.expectStored(2, fixture.example(2));
    },
  },
  {
    name: 'deletes many entities, and returns how many existed',
    run: async (fixture) => {
      await fixture.save(1, 2, 3);
      assert.equal(await fixture.repository.deleteAll([]), 0);
      assert.equal(await fixture.repository.deleteAll(fixture.ids(1, 9, 3, 1)), 2);
      await fixture.expectAbsent(1);
      await fixture.expectStored(2, fixture.example(2));
      await fixture.expectAbsent(3);
    },
  },
];

/** The promises about validation. */
export const validationCases: readonly ContractCase[] = [
  {
    name: 'refuses to save an invalid entity, names all its problems and writes nothing',
    run: async (fixture) => {
      const { entity, wrong } = fixture.invalid();
      await expectProblems(fixture, wrong, fixture.repository.save(entity));
      assert.equal(await fixture.repository.exists(fixture.idOf(entity)), false);
    },
  },
  {
    name: 'refuses an update that makes an entity invalid',
    run: async (fixture) => {
      await fixture.save(1);
      const { entity, wrong } = fixture.invalid();
      const id = fixture.criteria(1, fixture.idProperty);
      const change = (found: object) => void Object.assign(found, entity, id);
      await expectProblems(fixture, wrong, fixture.repository.update(fixture.id(1), change));
      await fixture.expectStored(1, fixture.example(1));
    },
  },
  {
    name: 'saves the valid ones of many entities, and names the others by id in REDIS_BATCH',
    run: async (fixture) => {
      const { entity, wrong } = fixture.invalid();
      const saving = fixture.repository.saveAll([fixture.example(1), entity, fixture.example(2)]);
      const { errors } = await fixture.expectFailure('REDIS_BATCH', saving);
      assert.ok(errors instanceof Map);
      assert.deepEqual([...errors.keys()], [fixture.idOf(entity)]);
      await expectProblems(
        fixture,
        wrong,
        Promise.reject(errors.get(fixture.idOf(entity)) as Error),
      );
      await fixture.expectStored(1, fixture.example(1));
      await fixture.expectStored(2, fixture.example(2));
      assert.equal(await fixture.repository.exists(fixture.idOf(entity)), false);
    },
  },
];

/** Updates until there is no conflict. @returns the entity that the successful update replaced */
async function replace<T extends object, Id extends IdValue>(
  fixture: Fixture<T, Id>,
  n: number,
): Promise<object> {
  for (;;) {
    let seen: object = {};
    const change = (entity: T) => {
      seen = { ...entity };
      return fixture.patch(n);
    };
    try {
      assert.ok(await fixture.repository.update(fixture.id(1), change), 'it was there before');
      return seen;
    } catch (error) {
      if ((error as { code?: unknown }).code !== 'REDIS_CONFLICT') throw error;
    }
  }
}

async function expectProblems<T extends object, Id extends IdValue>(
  fixture: Fixture<T, Id>,
  wrong: readonly string[],
  promise: Promise<unknown>,
): Promise<void> {
  const { problems } = await fixture.expectFailure('REDIS_VALIDATION', promise);
  assert.ok(Array.isArray(problems), 'the exception lists problems');
  const properties = problems.map(({ property }: { property: string }) => property);
  assert.deepEqual(properties.sort(), [...wrong].sort());
}

/** Returns equal texts for entities with equal values. */
function textOf(entity: object): string {
  const entries = Object.entries(entity).filter(([, value]) => value !== undefined);
  return JSON.stringify(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}
