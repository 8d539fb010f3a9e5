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
    'ignores the time of a save',
    'forgets an entity when the time of its save is over',
    class extends Double {
      override save(entity: Customer) {
        return super.save(entity);
      }
    },
  ],
  [
    'iterates over what has expired',
    'forgets an entity when the time of its save is over',
    class extends Double {
      override async *ids() {
        yield* this.stored.keys();
      }
    },
  ],
  [
    'drops the time that is left on update',
    'keeps the time that is left when an entity is updated',
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
    'ignores the time of an update',
    'gives an entity the time that its update asks for',
    class extends Double {
      override update(id: string, change: Patch<Customer> | Change<Customer>) {
        return super.update(id, change);
      }
    },
  ],
  [
    'takes the default time for the time that is left',
    'starts the time anew with an update that asks for the default',
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
    'keeps the old time on save',
    'starts the time anew with each save',
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
    'takes forever for a default',
    'ends the life of an entity when it is told to, or lets it live forever',
    class extends Double {
      override async expire(id: string, ttl: Ttl) {
        return ttl === 'forever' ? this.exists(id) : super.expire(id, ttl);
      }
    },
  ],
  [
    'says of nothing that it expires',
    'says that it cannot expire what is not there',
    class extends Double {
      override async expire(id: string, ttl: Ttl) {
        await super.expire(id, ttl);
        return true;
      }
    },
  ],
  [
    'takes a bare number for seconds',
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
    'counts what was deleted',
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
    'begins anew with each page',
    'gives all entities page by page',
    class extends Double {
      override page({ limit }: PageOptions = {}): Promise<Page<Customer>> {
        return super.page(limit === undefined ? {} : { limit });
      }
    },
  ],
  [
    'takes any limit for a page',
    'refuses a page of no size, or without an end',
    class extends Double {
      override page({ limit = 100, ...options }: PageOptions = {}) {
        return super.page({ ...options, limit: Math.min(1_000, Math.max(1, Math.ceil(limit))) });
      }
    },
  ],
  [
    'counts one that is not there',
    'has nothing to iterate over while it is empty',
    class extends Double {
      override async count() {
        return Math.max(1, this.stored.size);
      }
    },
  ],
  [
    'deletes what it iterates over',
    'stops iterating when its consumer does',
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
