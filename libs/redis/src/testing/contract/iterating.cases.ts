import assert from 'node:assert/strict';
import type { IdValue } from '../../repository/entity/entity-schema.js';
import { collect, type Fixture, type ContractCase } from './fixture.js';

/** Enough examples for several pages. */
const NUMBERS = Array.from({ length: 25 }, (_, i) => i + 1);

/** The promises about all entities together. */
export const iteratingCases: readonly ContractCase[] = [
  {
    name: 'iterates over the ids of all entities',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      const ids = await collect(fixture.repository.ids());
      assert.deepEqual(new Set(ids), new Set(fixture.ids(...NUMBERS)));
    },
  },
  {
    name: 'iterates over all entities',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      expectEach(fixture, await collect(fixture.repository.entities()));
    },
  },
  {
    name: 'counts all entities',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      await fixture.repository.delete(fixture.id(1));
      assert.equal(await fixture.repository.count(), NUMBERS.length - 1);
    },
  },
  {
    name: 'returns all entities page by page',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      let page = await fixture.repository.page({ limit: 10 });
      const found = [...page.entities];
      for (let pages = 1; page.cursor !== null; pages++) {
        assert.ok(pages < 1_000, 'the pages have an end');
        page = await fixture.repository.page({ limit: 10, cursor: page.cursor });
        found.push(...page.entities);
      }
      expectEach(fixture, found);
    },
  },
  {
    name: 'refuses a page size that is no whole number from 1 to 1000',
    run: async (fixture) => {
      for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
        await fixture.expectFailure('REDIS_CONFIGURATION', fixture.repository.page({ limit }));
      }
    },
  },
  {
    name: 'iterates over nothing without entities',
    run: async (fixture) => {
      const { repository } = fixture;
      assert.deepEqual(await collect(repository.ids()), []);
      assert.deepEqual(await collect(repository.entities()), []);
      assert.equal(await repository.count(), 0);
      assert.deepEqual((await repository.page()).entities, []);
    },
  },
  {
    name: 'stops iterating when its consumer stops',
    run: async (fixture) => {
      await fixture.save(1, 2, 3);
      let count = 0;
      for await (const id of fixture.repository.ids()) {
        assert.ok(fixture.ids(1, 2, 3).includes(id));
        count++;
        break;
      }
      assert.equal(count, 1);
      await fixture.expectStored(1, fixture.example(1));
    },
  },
];

/** Asserts that each entity was found, perhaps twice. */
function expectEach<T extends object, Id extends IdValue>(
  fixture: Fixture<T, Id>,
  found: readonly T[],
): void {
  const byId = new Map(found.map((entity) => [fixture.idOf(entity), entity]));
  fixture.expectAll(
    [...byId.values()],
    NUMBERS.map((n) => fixture.example(n)),
  );
}
