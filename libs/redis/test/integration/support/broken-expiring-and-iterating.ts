import {
  type Change,
  type Page,
  type PageOptions,
  type Patch,
  type SaveOptions,
  type UpdateOptions,
  type Ttl,
} from '../../../src/index.js';
import type { Customer } from './customer.js';
import { Double, type BrokenDouble } from './double.js';
import type { Stored } from './in-memory-repository.js';

/** Doubles that break what is promised about time, and about all entities. */
export const brokenExpiringAndIterating: readonly BrokenDouble[] = [
  [
    'ignores the ttl of a save',
    'removes an entity when its time to live has passed',
    class extends Double {
      override save(entity: Customer) {
        return super.save(entity);
      }
    },
  ],
  [
    'iterates over expired entities',
    'removes an entity when its time to live has passed',
    class extends Double {
      override async *ids() {
        yield* this.stored.keys();
      }
    },
  ],
  [
    'drops the remaining time to live in an update',
    'keeps the remaining time to live in an update',
    class extends Double {
      override update(
        id: string,
        change: Patch<Customer> | Change<Customer>,
        { ttl }: UpdateOptions = {},
      ) {
        return super.update(id, change, { ttl: ttl === undefined || ttl === 'keep' ? '1h' : ttl });
      }
    },
  ],
  [
    'ignores the ttl of an update',
    'sets the time to live that an update names',
    class extends Double {
      override update(id: string, change: Patch<Customer> | Change<Customer>) {
        return super.update(id, change);
      }
    },
  ],
  [
    'keeps the remaining time to live instead of the default',
    'sets the default time to live with an update that asks for it',
    class extends Double {
      override update(
        id: string,
        change: Patch<Customer> | Change<Customer>,
        { ttl = 'keep' }: UpdateOptions = {},
      ) {
        return super.update(id, change, { ttl: ttl === 'default' ? 'keep' : ttl });
      }
    },
  ],
  [
    'keeps the old time to live in a save',
    'starts the time to live again with each save',
    class extends Double {
      override async save(entity: Customer, options?: SaveOptions) {
        const before = this.standing(entity.id);
        const saved = await super.save(entity, options);
        const stored = this.stored.get(entity.id) as Stored<Customer>;
        this.stored.set(entity.id, { ...stored, ...(before && { endsAt: before.endsAt }) });
        return saved;
      }
    },
  ],
  [
    'ignores "forever" in expire',
    'changes the time to live of an entity, also to forever',
    class extends Double {
      override async expire(id: string, ttl: Ttl) {
        return ttl === 'forever' ? this.exists(id) : super.expire(id, ttl);
      }
    },
  ],
  [
    'returns true for the time to live of an absent entity',
    'returns false for the time to live of an absent entity',
    class extends Double {
      override async expire(id: string, ttl: Ttl) {
        await super.expire(id, ttl);
        return true;
      }
    },
  ],
  [
    'treats a number without a unit as seconds',
    'refuses a time to live without a unit',
    class extends Double {
      protected override endOf(ttl: Ttl | number) {
        return typeof ttl === 'number' ? ttl * 1_000 : super.endOf(ttl);
      }
    },
  ],
  [
    'iterates over one page of ids',
    'iterates over the ids of all entities',
    class extends Double {
      override async *ids() {
        yield* [...this.stored.keys()].slice(0, 10);
      }
    },
  ],
  [
    'iterates over one page of entities',
    'iterates over all entities',
    class extends Double {
      override async *entities() {
        for (const id of [...this.stored.keys()].slice(0, 10)) yield this.getByIdOrFail(id);
      }
    },
  ],
  [
    'counts deleted entities',
    'counts all entities',
    class extends Double {
      #saved = 0;
      override save(entity: Customer, options?: SaveOptions) {
        this.#saved++;
        return super.save(entity, options);
      }
      override async count() {
        return this.#saved;
      }
    },
  ],
  [
    'starts again with each page',
    'returns all entities page by page',
    class extends Double {
      override page({ limit }: PageOptions = {}): Promise<Page<Customer>> {
        return super.page(limit === undefined ? {} : { limit });
      }
    },
  ],
  [
    'accepts any page size',
    'refuses a page size that is no whole number from 1 to 1000',
    class extends Double {
      override page({ limit = 100, ...options }: PageOptions = {}) {
        return super.page({ ...options, limit: Math.min(1_000, Math.max(1, Math.ceil(limit))) });
      }
    },
  ],
  [
    'counts one absent entity',
    'iterates over nothing without entities',
    class extends Double {
      override async count() {
        return Math.max(1, this.stored.size);
      }
    },
  ],
  [
    'deletes the entities that it iterates over',
    'stops iterating when its consumer stops',
    class extends Double {
      override async *ids() {
        for (const id of [...this.stored.keys()]) {
          this.stored.delete(id);
          yield id;
        }
      }
    },
  ],
];
