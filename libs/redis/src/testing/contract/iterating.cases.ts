import assert from 'node:assert/strict';
import type { IdValue } from '../../repository/entity/entity-schema.js';
import { collect, type Bench, type BenchCase } from './bench.js';

/** Several pages of them. */
const NUMBERS = Array.from({ length: 25 }, (_, i) => i + 1);

/** What is promised about all entities together. */
export const iteratingCases: readonly BenchCase[] = [
  {
    name: 'iterates over the ids of all entities',
    run: async (bench) => {
      await bench.save(...NUMBERS);
      const ids = await collect(bench.repository.ids());
      assert.deepEqual(new Set(ids), new Set(bench.ids(...NUMBERS)));
    },
  },
  {
    name: 'iterates over all entities',
    run: async (bench) => {
      await bench.save(...NUMBERS);
      expectEach(bench, await collect(bench.repository.entities()));
    },
  },
  {
    name: 'counts all entities',
    run: async (bench) => {
      await bench.save(...NUMBERS);
      await bench.repository.delete(bench.id(1));
      assert.equal(await bench.repository.count(), NUMBERS.length - 1);
    },
  },
  {
    name: 'gives all entities page by page',
    run: async (bench) => {
      await bench.save(...NUMBERS);
      let page = await bench.repository.page({ limit: 10 });
      const found = [...page.entities];
      for (let pages = 1; page.cursor !== null; pages++) {
        assert.ok(pages < 1_000, 'the pages have an end');
        page = await bench.repository.page({ limit: 10, cursor: page.cursor });
        found.push(...page.entities);
      }
      expectEach(bench, found);
    },
  },
  {
    name: 'refuses a page of no size, or without an end',
    run: async (bench) => {
      for (const limit of [0, -1, 1.5, 1_001, Number.NaN]) {
        await bench.expectFailure('REDIS_CONFIGURATION', bench.repository.page({ limit }));
      }
    },
  },
  {
    name: 'has nothing to iterate over while it is empty',
    run: async (bench) => {
      const { repository } = bench;
      assert.deepEqual(await collect(repository.ids()), []);
      assert.deepEqual(await collect(repository.entities()), []);
      assert.equal(await repository.count(), 0);
      assert.deepEqual((await repository.page()).entities, []);
    },
  },
  {
    name: 'stops iterating when its consumer does',
    run: async (bench) => {
      await bench.save(1, 2, 3);
      let count = 0;
      for await (const id of bench.repository.ids()) {
        assert.ok(bench.ids(1, 2, 3).includes(id));
        count++;
        break;
      }
      assert.equal(count, 1);
      await bench.expectStored(1, bench.example(1));
    },
  },
];

/** All of them; one may come twice. */
function expectEach<T extends object, Id extends IdValue>(
  bench: Bench<T, Id>,
  found: readonly T[],
): void {
  const byId = new Map(found.map((entity) => [bench.idOf(entity), entity]));
  bench.expectAll(
    [...byId.values()],
    NUMBERS.map((n) => bench.example(n)),
  );
}
