import type {
  Criteria,
  FindByOptions,
  Page,
  PageByOptions,
  SaveOptions,
} from '../../../src/index.js';
import type { Customer } from './customer.js';
import { Double, type BrokenDouble } from './double.js';

/** Doubles that break what is promised about ranges and sorts. */
export const brokenRanges: readonly BrokenDouble[] = [
  [
    'finds one value too few in a range',
    'finds the entities with a value in a range, with and without its ends',
    class extends Double {
      override async findBy(criteria: Criteria<Customer>, options?: FindByOptions<Customer>) {
        const found = await super.findBy(criteria, options);
        const least = Math.min(...found.map(({ points }) => points));
        return found.filter(({ points }) => points !== least);
      }
    },
  ],
  [
    'finds an entity once for each value',
    'finds the entities that have one of several values',
    class extends Double {
      override async findBy(criteria: Criteria<Customer>, options?: FindByOptions<Customer>) {
        const found = await super.findBy(criteria, options);
        return [...found, ...found.slice(0, 1)];
      }
    },
  ],
  [
    'sorts in one direction only',
    'sorts the entities that it finds in both directions, and returns no more than the limit',
    class extends Double {
      override findBy(criteria: Criteria<Customer>, options: FindByOptions<Customer> = {}) {
        return super.findBy(criteria, { ...options, order: 'asc' });
      }
    },
  ],
  [
    'begins a page with the last entity of the page before',
    'returns each entity once, page by page, in the order of the sort',
    class extends Double {
      #last: Customer | undefined;
      override async pageBy(criteria: Criteria<Customer>, options: PageByOptions<Customer>) {
        const page = await super.pageBy(criteria, options);
        const again = options.cursor && this.#last ? [this.#last] : [];
        this.#last = page.entities.at(-1);
        return { ...page, entities: [...again, ...page.entities] };
      }
    },
  ],
  [
    'counts the entities before a page',
    'goes on after the last entity of a page, whatever came and went meanwhile',
    class extends Double {
      override async pageBy(
        criteria: Criteria<Customer>,
        { sortBy, limit = 100, cursor }: PageByOptions<Customer>,
      ): Promise<Page<Customer>> {
        const start = Number(cursor ?? 0);
        const all = await this.findBy(criteria, { sortBy });
        const end = start + limit;
        return {
          entities: all.slice(start, end),
          cursor: end < all.length ? String(end) : null,
        };
      }
    },
  ],
  [
    'sorts by the values that entities had at first',
    'finds a changed entity at the place of its new value, and not at that of its old one',
    class extends Double {
      readonly #places: string[] = [];
      override save(entity: Customer, options?: SaveOptions) {
        this.#places.push(entity.id);
        return super.save(entity, options);
      }
      override async findBy(criteria: Criteria<Customer>, options?: FindByOptions<Customer>) {
        const found = await super.findBy(criteria, options);
        return found.sort((a, b) => this.#places.indexOf(a.id) - this.#places.indexOf(b.id));
      }
    },
  ],
  [
    'counts what has expired',
    'neither finds nor counts what was deleted or has expired',
    class extends Double {
      override async countBy() {
        return this.stored.size;
      }
    },
  ],
  [
    'counts all entities for any criteria',
    'counts the entities that meet criteria',
    class extends Double {
      override countBy() {
        return this.count();
      }
    },
  ],
  [
    'takes any cursor',
    'refuses a limit, a sort or a cursor that no page can have',
    class extends Double {
      override pageBy(criteria: Criteria<Customer>, options: PageByOptions<Customer>) {
        return super.pageBy(criteria, options).catch((error: unknown) => {
          if ((error as { code?: unknown }).code !== 'REDIS_VALIDATION') throw error;
          return super.pageBy(criteria, { ...options, cursor: null });
        });
      }
    },
  ],
];
