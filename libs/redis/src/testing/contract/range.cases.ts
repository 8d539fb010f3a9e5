import assert from 'node:assert/strict';
import type { IdValue } from '../../repository/entity/entity-schema.js';
import { inRange, oneOf, type Criteria, type RangeBounds } from '../../repository/criteria.js';
import type { PageByOptions } from '../../repository/entity-repository.js';
import type { ContractCase, Fixture } from './fixture.js';

/** Not in the order of the values. */
const NUMBERS = [4, 2, 9, 7, 1, 3, 8, 6, 5];
const SORTED = [...NUMBERS].sort();

/** The promises about ranges of values, and entities that are sorted by them. */
export const rangeCases: readonly ContractCase[] = [
  {
    name: 'finds the entities with a value in a range, with and without its ends',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      for (const [bounds, numbers] of [
        [{ gte: 3, lte: 5 }, [3, 4, 5]],
        [{ gt: 3, lt: 5 }, [4]],
        [{ gte: 8 }, [8, 9]],
        [{ lt: 2 }, [1]],
        [{ gt: 9 }, []],
        [{ gte: 5, lt: 5 }, []],
      ] as const) {
        const found = await fixture.repository.findBy(within(fixture, bounds));
        fixture.expectAll(found, examples(fixture, numbers), JSON.stringify(bounds));
      }
    },
  },
  {
    name: 'finds the entities that have one of several values',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      const values = oneOf([2, 7, 30, 2].map((n) => fixture.rangeValue(n)));
      const criteria = { [fixture.range]: values } as Criteria<object>;
      fixture.expectAll(await fixture.repository.findBy(criteria), examples(fixture, [2, 7]));
      const none = { [fixture.range]: oneOf([]) } as Criteria<object>;
      assert.deepEqual(await fixture.repository.findBy(none), []);
    },
  },
  {
    name: 'sorts the entities that it finds in both directions, and returns no more than the limit',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      const { repository, range: sortBy } = fixture;
      expectInOrder(fixture, await repository.findBy({}, { sortBy }), SORTED);
      const found = await repository.findBy(within(fixture, { gt: 2 }), {
        sortBy,
        order: 'desc',
        limit: 3,
      });
      expectInOrder(fixture, found, [9, 8, 7]);
      const last = await repository.findOneBy({}, { sortBy, order: 'desc' });
      fixture.expectSame(last, fixture.example(9));
    },
  },
  {
    name: 'returns each entity once, page by page, in the order of the sort',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      expectInOrder(fixture, await allPages(fixture, {}), SORTED);
      const descending = await allPages(fixture, { order: 'desc' });
      expectInOrder(fixture, descending, [...SORTED].reverse());
      const { cursor } = await fixture.repository.pageBy({}, { sortBy: fixture.range, limit: 9 });
      assert.equal(cursor, null, 'a page with the last entity is the last page');
    },
  },
  {
    name: 'goes on after the last entity of a page, whatever came and went meanwhile',
    run: async (fixture) => {
      const { repository, range: sortBy } = fixture;
      await fixture.save(2, 4, 6, 8);
      const first = await repository.pageBy({}, { sortBy, limit: 2 });
      expectInOrder(fixture, first.entities, [2, 4]);
      await fixture.save(1, 3, 5, 7);
      await repository.delete(fixture.id(4));
      await repository.delete(fixture.id(6));
      const second = await repository.pageBy({}, { sortBy, cursor: first.cursor });
      expectInOrder(fixture, second.entities, [5, 7, 8]);
      assert.equal(second.cursor, null);
    },
  },
  {
    name: 'finds a changed entity at the place of its new value, and not at that of its old one',
    run: async (fixture) => {
      const { repository, range: sortBy } = fixture;
      await fixture.save(1, 2, 3);
      const change = { [sortBy]: fixture.rangeValue(7) } as object;
      await repository.update(fixture.id(1), change);
      const changed = fixture.example(1, [sortBy], 7);
      const found = await repository.findBy({}, { sortBy });
      assert.deepEqual(
        found.map((entity) => fixture.idOf(entity)),
        fixture.ids(2, 3, 1),
      );
      fixture.expectAll(await repository.findBy(within(fixture, { gte: 7 })), [changed]);
      assert.deepEqual(await repository.findBy(within(fixture, { lte: 1 })), []);
    },
  },
  {
    name: 'neither finds nor counts what was deleted or has expired',
    run: async (fixture) => {
      const { repository, range: sortBy } = fixture;
      await fixture.save(1, 2, 3);
      await repository.save(fixture.example(4), { ttl: '400ms' });
      await repository.delete(fixture.id(2));
      await fixture.wait(500);
      expectInOrder(fixture, await repository.findBy({}, { sortBy }), [1, 3]);
      const page = await repository.pageBy({}, { sortBy, limit: 2 });
      expectInOrder(fixture, page.entities, [1, 3]);
      assert.equal(page.cursor, null);
      assert.equal(await repository.countBy(within(fixture, { gte: 1 })), 2);
    },
  },
  {
    name: 'counts the entities that meet criteria',
    run: async (fixture) => {
      await fixture.save(...NUMBERS);
      assert.equal(await fixture.repository.countBy(within(fixture, { gte: 3, lt: 8 })), 5);
      const value = { [fixture.range]: fixture.rangeValue(3) } as Criteria<object>;
      assert.equal(await fixture.repository.countBy(value), 1);
    },
  },
  {
    name: 'refuses a limit, a sort or a cursor that no page can have',
    run: async (fixture) => {
      const { repository, range: sortBy } = fixture;
      await fixture.save(1, 2);
      for (const limit of [0, -1, 1.5, 1_001, Number.NaN, Infinity]) {
        await fixture.expectFailure(
          'REDIS_CONFIGURATION',
          repository.findBy({}, { sortBy, limit }),
        );
        await fixture.expectFailure(
          'REDIS_CONFIGURATION',
          repository.pageBy({}, { sortBy, limit }),
        );
      }
      const sort = { sortBy: 'no such property' as typeof sortBy };
      await fixture.expectFailure('REDIS_CONFIGURATION', repository.pageBy({}, sort));
      const { cursor } = await repository.pageBy({}, { sortBy, limit: 1 });
      const otherOrder = repository.pageBy({}, { sortBy, order: 'desc', cursor });
      await fixture.expectFailure('REDIS_VALIDATION', otherOrder);
      const madeUp = repository.pageBy({}, { sortBy, cursor: 'made up' });
      await fixture.expectFailure('REDIS_VALIDATION', madeUp);
    },
  },
];

/** Makes criteria for the values between those of two examples. */
function within<T extends object, Id extends IdValue>(
  fixture: Fixture<T, Id>,
  bounds: RangeBounds<number>,
): Criteria<T> {
  const entries = Object.entries(bounds) as [string, number][];
  const values = entries.map(([name, n]) => [name, fixture.rangeValue(n)]);
  return {
    [fixture.range]: inRange(Object.fromEntries(values) as RangeBounds<number>),
  } as Criteria<T>;
}

function examples<T extends object, Id extends IdValue>(
  fixture: Fixture<T, Id>,
  numbers: readonly number[],
): T[] {
  return numbers.map((n) => fixture.example(n));
}

async function allPages<T extends object, Id extends IdValue>(
  { repository, range: sortBy }: Fixture<T, Id>,
  options: Pick<PageByOptions<T>, 'order'>,
): Promise<T[]> {
  const found: T[] = [];
  let cursor: string | null = null;
  for (let pages = 0; pages === 0 || cursor !== null; pages++) {
    assert.ok(pages < 100, 'the pages have an end');
    const page = await repository.pageBy({}, { ...options, sortBy, limit: 2, cursor });
    found.push(...page.entities);
    cursor = page.cursor;
  }
  return found;
}

function expectInOrder<T extends object, Id extends IdValue>(
  fixture: Fixture<T, Id>,
  found: readonly T[],
  numbers: readonly number[],
): void {
  assert.deepEqual(
    found.map((entity) => fixture.idOf(entity)),
    fixture.ids(...numbers),
  );
  fixture.expectAll(found, examples(fixture, numbers));
}
