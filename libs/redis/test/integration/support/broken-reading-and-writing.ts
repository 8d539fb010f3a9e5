import {
  RedisValidationException,
  type Change,
  type Patch,
  type SaveOptions,
  type UpdateOptions,
} from '../../../src/index.js';
import { Customer } from './customer.js';
import { Double, type BrokenDouble } from './double.js';

type Ids = readonly string[];

/** Doubles that break what is promised about single entities. */
export const brokenReadingAndWriting: readonly BrokenDouble[] = [
  [
    'returns its stored instance',
    'gives each caller a copy: a change of one changes nothing else',
    class extends Double {
      protected override copy(entity: Customer) {
        return entity;
      }
    },
  ],
  [
    'keeps dates as text',
    'returns an entity as it was saved, with dates as dates',
    class extends Double {
      override async getById(id: string) {
        return JSON.parse(JSON.stringify(await super.getById(id))) as Customer | null;
      }
    },
  ],
  [
    'returns an empty entity for an absent one',
    'returns null for an absent entity',
    class extends Double {
      override async getById(id: string) {
        return (await super.getById(id)) ?? new Customer();
      }
    },
  ],
  [
    'returns null from getByIdOrFail',
    'getByIdOrFail returns the entity, or fails with REDIS_KEY_NOT_FOUND',
    class extends Double {
      override async getByIdOrFail(id: string) {
        return (await this.getById(id)) as Customer;
      }
    },
  ],
  [
    'loses the order',
    'getAll returns the existing entities, in the order of their ids',
    class extends Double {
      override getAll(ids: Ids) {
        return super.getAll([...ids].sort());
      }
    },
  ],
  [
    'returns null for absent entities in getAll',
    'getAll returns the existing entities, in the order of their ids',
    class extends Double {
      override async getAll(ids: Ids) {
        const found = ids.map(async (id) => [id, await this.getById(id)] as const);
        return new Map(await Promise.all(found)) as Map<string, Customer>;
      }
    },
  ],
  [
    'returns all entities for no ids',
    'getAll returns an empty map without ids',
    class extends Double {
      override getAll(ids: Ids) {
        return super.getAll(ids.length > 0 ? ids : [...this.stored.keys()]);
      }
    },
  ],
  [
    'moves a repeated id to the end',
    'getAll returns each entity once, also for a repeated id',
    class extends Double {
      override async getAll(ids: Ids) {
        return super.getAll([...ids].reverse());
      }
    },
  ],
  [
    'returns true for each entity that it is asked about',
    'returns whether an entity exists',
    class extends Double {
      override async exists() {
        return true;
      }
    },
  ],
  [
    'lets a caller wait that has aborted',
    'ends the wait of a caller that aborts, and of no other',
    class extends Double {
      override getById(id: string) {
        return super.getById(id);
      }
    },
  ],
  [
    'returns nothing from save',
    'returns the saved entity',
    class extends Double {
      override async save(entity: Customer, options?: SaveOptions) {
        await super.save(entity, options);
        return undefined as unknown as Customer;
      }
    },
  ],
  [
    'merges a saved entity into the old one',
    'replaces the entity with the same id, and no other',
    class extends Double {
      override async save(entity: Customer, options?: SaveOptions) {
        return super.save(Object.assign(entity, await this.getById(entity.id)), options);
      }
    },
  ],
  [
    'keeps the first of several with one id',
    'saves many entities, and of several with one id the last',
    class extends Double {
      override saveAll(entities: readonly Customer[], options?: SaveOptions) {
        return super.saveAll([...entities].reverse(), options);
      }
    },
  ],
  [
    'replaces an entity by a patch',
    'updates the properties of a patch, and no others',
    class extends Double {
      override async update(id: string, change: Patch<Customer> | Change<Customer>) {
        if (typeof change === 'function') return super.update(id, change);
        if (!(await this.exists(id))) return null;
        const entity = Object.assign(new Customer(), { id }, change);
        this.stored.set(id, { entity, endsAt: Infinity });
        return entity;
      }
    },
  ],
  [
    'ignores the result of an update function',
    'updates with a function that changes the entity, or returns a patch',
    class extends Double {
      override update(id: string, change: Patch<Customer> | Change<Customer>) {
        if (typeof change !== 'function') return super.update(id, change);
        return super.update(id, (entity) => void change(entity));
      }
    },
  ],
  [
    'creates an entity by an update',
    'returns null for an update of an absent entity, and creates nothing',
    class extends Double {
      override async update(id: string, change: Patch<Customer> | Change<Customer>) {
        const found = await super.update(id, change);
        if (found || typeof change === 'function') return found;
        return this.save(Object.assign(new Customer(), { id }, change));
      }
    },
  ],
  [
    'moves an entity to another id',
    'refuses to update an id',
    class extends Double {
      override async update(id: string, change: Patch<Customer> | Change<Customer>) {
        const entity = await this.getById(id);
        if (!entity) return null;
        Object.assign(entity, typeof change === 'function' ? await change(entity) : change);
        await this.delete(id);
        return this.save(entity);
      }
    },
  ],
  [
    'lets an update function change the stored entity',
    'writes nothing when the function of an update throws',
    class extends Double {
      override async update(id: string, change: Patch<Customer> | Change<Customer>) {
        const found = this.standing(id);
        if (!found || typeof change !== 'function') return super.update(id, change);
        return Object.assign(found.entity, await change(found.entity));
      }
    },
  ],
  [
    'overwrites concurrent updates',
    'loses none of many concurrent updates',
    class extends Double {
      override async update(id: string, change: Patch<Customer> | Change<Customer>) {
        const entity = await this.getById(id);
        if (!entity) return null;
        return this.save(
          Object.assign(entity, typeof change === 'function' ? await change(entity) : change),
        );
      }
    },
  ],
  [
    'returns true for the deletion of an absent entity',
    'deletes an entity, and returns whether it existed',
    class extends Double {
      override async delete(id: string) {
        await super.delete(id);
        return true;
      }
    },
  ],
  [
    'counts the ids of a deletion, and not the deleted entities',
    'deletes many entities, and returns how many existed',
    class extends Double {
      override async deleteAll(ids: Ids) {
        await super.deleteAll(ids);
        return ids.length;
      }
    },
  ],
  [
    'writes before it validates',
    'refuses to save an invalid entity, names all its problems and writes nothing',
    class extends Double {
      override async save(entity: Customer, options?: SaveOptions) {
        this.stored.set(entity.id, { entity: this.copy(entity), endsAt: Infinity });
        return super.save(entity, options);
      }
    },
  ],
  [
    'names one problem only',
    'refuses to save an invalid entity, names all its problems and writes nothing',
    class extends Double {
      protected override async refuseInvalid(entity: Customer) {
        await super.refuseInvalid(entity).catch((error: unknown) => {
          const { problems } = error as RedisValidationException;
          throw new RedisValidationException('customer', problems.slice(0, 1));
        });
      }
    },
  ],
  [
    'does not validate updates',
    'refuses an update that makes an entity invalid',
    class extends Double {
      #isUpdating = false;
      override async update(
        id: string,
        change: Patch<Customer> | Change<Customer>,
        options?: UpdateOptions,
      ) {
        this.#isUpdating = true;
        return super.update(id, change, options);
      }
      protected override async refuseInvalid(entity: Customer) {
        if (!this.#isUpdating) await super.refuseInvalid(entity);
      }
    },
  ],
  [
    'saves none of many when one fails',
    'saves the valid ones of many entities, and names the others by id in REDIS_BATCH',
    class extends Double {
      override async saveAll(entities: readonly Customer[], options?: SaveOptions) {
        const before = new Map(this.stored);
        await super.saveAll(entities, options).catch((error: unknown) => {
          this.stored.clear();
          for (const [id, stored] of before) this.stored.set(id, stored);
          throw error;
        });
      }
    },
  ],
];
